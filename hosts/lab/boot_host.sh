#!/bin/sh
# Becomes a lab host: its libvirtd under reaper.py. Started inside the host's network namespace, with fresh mount and UTS
# namespaces:
#     boot_host.sh PYTHON HOSTNAME ROOT FOLDER...
# ROOT mirrors what the host owns; each FOLDER of it is bound over the box's. Standard input holds the lab's lock (see
# shell.py), so it is let go only when the host is made and the daemon takes over.
set -eu
python=$1 name=$2 root=$3
shift 3
hostname "$name"
mount --bind "$root/etc/os-release" "$(readlink -f /etc/os-release)"
mount --bind "$root/etc/hosts" /etc/hosts
for folder; do
    mount --bind "$root$folder" "$folder"
done
exec "$python" -IS "$(dirname "$0")/reaper.py" libvirtd --listen </dev/null
