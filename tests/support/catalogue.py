"""Every resource that has pages, with one row of each: for tests that walk them all."""

from collections.abc import Callable
from typing import Any

from tests import factories

#: by namespace: the folder of its addresses, and a maker of one usable row
RESOURCES: dict[str, tuple[str, Callable[[], Any]]] = {
    "zones": ("/zones/", factories.make_zone),
    "clusters": ("/clusters/", factories.make_cluster),
    "hosts": ("/hosts/", factories.make_host),
    "storages": ("/primary-storages/", factories.make_storage),
    "image-stores": ("/image-stores/", factories.make_image_store),
    "l2": ("/networks/l2/", factories.make_l2),
    "volumes": ("/volumes/", factories.make_volume),
    "images": ("/images/", factories.make_image),
    "offerings": ("/offerings/instances/", factories.make_instance_offering),
    "disk-offerings": ("/offerings/disks/", factories.make_disk_offering),
    "vips": ("/networks/vips/", factories.make_vip),
    "eips": ("/networks/eips/", factories.make_eip),
    "port-forwarding": ("/networks/port-forwarding/", factories.make_port_forwarding_rule),
    "security-groups": ("/networks/security-groups/", factories.make_security_group),
    "l3": ("/networks/l3/", lambda: factories.make_ip_range().l3_network),
}
