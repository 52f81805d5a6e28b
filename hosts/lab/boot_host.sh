#!/bin/sh
# Becomes the libvirtd of a lab host. Started inside the host's network namespace, with fresh mount and UTS namespaces:
#     boot_host.sh HOSTNAME ROOT FOLDER...
# ROOT mirrors what the host owns; each FOLDER of it is bound over the box's. Standard input holds the lab's lock (see
# shell.py), so it is let go only when the host is made and the daemon takes over.
set -eu
name=$1 root=$2
shift 2
hostname "$name"
mount --bind "$root/etc/os-release" "$(readlink -f /etc/os-release)"
mount --bind "$root/etc/hosts" /etc/hosts
mkdir -p "$root/run/lock" # where serial lines are locked
for folder; do
    mount --bind "$root$folder" "$folder"
done
exec libvirtd --listen </dev/null
