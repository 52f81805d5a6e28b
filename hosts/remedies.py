"""What to do about trouble that comes from hosts, by the class of the error; others are found by their code."""

from collections.abc import Mapping

from console.advice import HOSTS, NETWORKS, STORAGES, VMS, Remedy, register

TROUBLES: Mapping[str, Remedy] = {
    "HypervisorError": Remedy(
        "The host refused or failed the call, and its message is all it said.",
        "On the host: the journal of libvirtd (or virtqemud), and /var/log/libvirt/qemu/ for the guest.",
        "When the cause is gone, try again.",
        *HOSTS,
    ),
    "DomainNotFound": Remedy(
        "The host does not know the VM any more: somebody undefined it there, or it runs elsewhere.",
        "virsh list --all on the host, and on the VM's last host.",
        "Reconnect the host, so that the record becomes what is true, then start the VM.",
        *HOSTS,
    ),
    "DomainExists": Remedy(
        "The host already has a machine of that name or uuid which Corral did not put there now.",
        "virsh list --all on the host: compare the uuid with the VM's.",
        "If it is a leftover, virsh undefine it, or reconnect the host; then try again.",
        *HOSTS,
    ),
    "DomainStateError": Remedy(
        "The guest was not in the state the call needs, or another call held it.",
        "virsh domstate and virsh domjobinfo on the host: a backup or another tool may be at work.",
        "When that has ended, try again.",
        *VMS,
    ),
    "NetworkNotFound": Remedy(
        "The VM's network is gone from the host.",
        "virsh net-list --all on the host.",
        "Reconnect the host: that makes its networks again. Then try again.",
        *HOSTS,
    ),
    "NetworkConflict": Remedy(
        "A bridge, an address or a listening socket on the host is in the way of the network.",
        "ip addr, virsh net-list --all and ss -lnu 'sport = 53' on the host: who has the gateway's address?",
        "Remove what is in the way, or give the L3 network another range; then reconnect the host.",
        *NETWORKS,
    ),
    "PoolNotFound": Remedy(
        "The primary storage is not there on the host.",
        "virsh pool-list --all on the host, and whether its folder is mounted.",
        "Mount it, then reconnect the host: that makes the pool again.",
        *STORAGES,
    ),
    "VolumeNotFound": Remedy(
        "A disk's file is missing on the storage.",
        "Whether the storage is mounted, and virsh vol-list POOL; an empty mount point looks just like this.",
        "Mount the storage or bring the file back before you try again. Do not make an empty one in its place.",
        *STORAGES,
    ),
    "VolumeExists": Remedy(
        "A file of that name is on the storage already.",
        "virsh vol-info on the host: who made it, and when?",
        "If no VM uses it, move it away; then try again.",
        *STORAGES,
    ),
    "NoSpace": Remedy(
        "The storage is full, or its quota is used up. Thin volumes grow: it can be full before it is given out.",
        "df -h and df -i on the storage's folder.",
        "Make room or enlarge it, or attach another storage to the cluster; then try again.",
        *STORAGES,
    ),
    "Unsupported": Remedy(
        "The host's libvirt or QEMU cannot do that.",
        "The host's page shows the versions; virsh domcapabilities shows what they can do.",
        "Use a host with newer versions, or ask for it without that feature.",
        *HOSTS,
    ),
}

register(TROUBLES)
