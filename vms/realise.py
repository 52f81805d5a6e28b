"""What VMs need on every host that connects: the networks of its cluster, with the leases of the VMs placed there."""

from functools import partial

from hosts.flows.connect import realisers
from hosts.hypervisor.port import Hypervisor
from hosts.models import Host, LeftoverKind
from hosts.realise import removals
from networks.hostnet import ensure_network, networks_of
from vms.domain import leases_on
from vms.models import Leak, LeakKind, VmInstance


def make_networks(host: Host, hypervisor: Hypervisor) -> None:
    """Make every network of the host's cluster run there, with exactly the leases that belong there.

    What was found to differ before that is mended; what a look finds meanwhile may have come after it.
    """
    found = list(Leak.objects.filter(host=host, kind=LeakKind.OUTDATED).values_list("pk", flat=True))
    for l3 in networks_of(host):
        ensure_network(hypervisor, l3, partial(leases_on, host, l3.uuid))
    Leak.objects.filter(pk__in=found).delete()


def remove_domain(hypervisor: Hypervisor, uuid: str) -> None:
    """A guest whose VM is destroyed ends. Of one that is still recorded only the definition goes, and not when it is
    alive: then it was started there again.
    """
    if not VmInstance.objects.visible().filter(pk=uuid).exists():
        hypervisor.destroy_domain(uuid)
    elif hypervisor.domain_state(uuid).active:
        return
    hypervisor.undefine_domain(uuid)


removals[LeftoverKind.DOMAIN] = remove_domain
realisers.append(("Networks with their leases", make_networks))
