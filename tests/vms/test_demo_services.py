"""What the demo has to play with besides machines."""

from networks.models import SecurityGroup, Vip
from tests.support.datacenter import Datacenter
from vms.models import Eip, PortForwardingRule


def test_made_twice_it_is_there_once(dc: Datacenter) -> None:
    for _ in range(2):
        dc.demo.add_services()
    assert {vip.use_for for vip in Vip.objects.all()} == {"Eip", "PortForwarding"}
    assert (Vip.objects.count(), Eip.objects.count(), PortForwardingRule.objects.count()) == (2, 1, 1)
    assert SecurityGroup.objects.get().rules.count() == 3
