#!/bin/sh
# Sets this machine up as a host of Corral. As root, on the host; running it again brings the hook up to date. Guests go on.
set -eu
[ "$(id -u)" = 0 ] || { echo "Run this as root." >&2; exit 1; }
for tool in python3:python3 ip:iproute2 nft:nftables libvirtd:libvirt-daemon-system; do
    command -v "${tool%%:*}" >/dev/null || missing="${missing:-} ${tool##*:}"
done
[ -z "${missing:-}" ] || { echo "Missing:$missing. On Debian: apt-get install --yes$missing" >&2; exit 1; }
hooks=/etc/libvirt/hooks
mkdir -p "$hooks/daemon.d" "$hooks/network.d" /var/lib/corral
cat >"$hooks/corral.part" <<'CORRAL_HOOK'
@HOOK@
CORRAL_HOOK
chmod 755 "$hooks/corral.part"
mv "$hooks/corral.part" "$hooks/corral"
ln -sf ../corral "$hooks/daemon.d/corral"
ln -sf ../corral "$hooks/network.d/corral"
"$hooks/corral" facts
# libvirt looks for hooks when it starts.
if [ -d /run/systemd/system ]; then
    systemctl try-restart libvirtd.service virtqemud.service virtnetworkd.service
    echo "This machine is set up. Reconnect it in Corral."
else
    echo "This machine is set up. Restart libvirtd, then reconnect the host in Corral."
fi
