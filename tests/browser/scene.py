"""What stands in the database of the console that the browser visits; run by its `manage.py shell`."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from console import globalconfig, live
from console.models import Operation, SavedView, TagType
from console.operations.flow import get
from console.operations.runner import describe
from hosts.flows.probe import PROBE
from hosts.hypervisor.spec import DomainDevices, DomainDisk, DomainNic
from hosts.models import Host, PrimaryStorage
from networks.models import AddressUse
from tests import factories
from tests.browser import accounts, pages
from tests.support.showcase import GIB, Showcase, report, subject
from vms.evacuation import Reason
from vms.flows.maintain import CannotLeave
from vms.life import MIGRATE
from vms.maintenance import MAINTAIN
from vms.models import Leak, LeakKind, Stranger, VmChange, VmInstance
from vms.recovery.leaks import LOOK

FAILED_VM = "0123456789ab4def8123456789abcdef"
UPLOAD = {
    "status": "Running",
    "started": timezone.now(),
    "done": 42,
    "total": 100,
    "note": "42 MiB sent",
    "attempts": 1,
}
LACKING = {"resource": "memory", "needed": 4 * GIB, "available": GIB}
#: what the test of a connection has found
FOUND = {
    "hostname": "node-9.example.org", "libvirt": "9.0.0", "qemu": "7.2.11", "cpus": 16, "cpuModel": "EPYC-Rome",
    "cpuMhz": 2800, "memory": 64 * GIB, "memoryFree": 60 * GIB, "emulation": "qemu", "kvmNote": "there is no /dev/kvm",
    "os": "debian 12 (bookworm)", "prepared": 0, "lacking": ["dnsmasq"],
}  # fmt: skip
ERROR = {
    "code": "SYS.1006",
    "description": "A step of an operation failed.",
    "details": "No space left on shared-1",
    "step": "root-volume",
    "stepLabel": "Make the root volume",
}


def build() -> None:
    """A whole console; prints the uuids of its rows, the address of every page, and sessions, as JSON.

    Its hosts are not there, and nobody shall find that out meanwhile: their turn comes in an hour, as they have it, and
    nobody looks by himself for what belongs to nobody.
    """
    globalconfig.update("host", "ping.interval", "3600")
    globalconfig.update("recovery", "lookInterval", "0")
    accounts.make_all()
    show, user = Showcase(), accounts.called(accounts.USER)
    uuids = {**fleet(show, user), **rest(show, accounts.called(accounts.CHIEF))}
    print(
        json.dumps(
            {
                "uuids": uuids,
                "pages": pages.every(uuids, accounts.logged_in(accounts.CHIEF)),
                "sessions": accounts.sessions(draft(show)),
            }
        )
    )


def fleet(show: Showcase, user: User) -> dict[str, str]:
    """Hosts, VMs on them, one on its way, one whose creation failed, and what was done to them."""
    for number, name in enumerate(("backend", "backup"), 21):
        l2 = factories.make_l2([show.cluster], name=f"l2-{name}", physical_interface="eth1", vlan=number)
        l3 = factories.make_l3(name=name, l2_network=l2)
        values = {"start_ip": f"10.{number}.0.10", "end_ip": f"10.{number}.3.250", "gateway": f"10.{number}.0.1"}
        show.networks.append((l3, factories.make_ip_range(l3_network=l3, netmask="255.255.252.0", **values)))
    one = show.host("node-1", used_cpu=38, used_memory=41 * GIB)
    two = show.host("node-2", used_memory=60 * GIB)
    lost = show.host("node-3", status="Disconnected", status_reason="no answer for 20 s")
    verdict = report(one, two, lost, refused={"node-2": ("memory", "node-2 lacks memory", LACKING)})
    for number in range(12):
        # Those that nothing is known of are on the host that is lost: on the others, workers would go and ask.
        state, host = (("Running", one), ("Stopped", one), ("Unknown", lost))[number % 3]
        vm = show.vm(f"web-{number}", host, state, nics=1 + number % 3)
        made = show.operation(f"Create VM {vm.name}", subject(vm), created_by=user, lane=host.uuid, report=verdict)
        VmChange.objects.filter(vm_uuid=vm.pk).update(cause="operation", operation_uuid=made.pk)
        AddressUse.objects.filter(owner_uuid=vm.pk).update(begun_by=made.pk)
    moving = show.vm("newcomer", one, "Starting", age=timedelta(seconds=20))
    show.operation("Create VM newcomer, first try", subject(moving), created_by=user)
    common = {"created_by": user, "lane": one.uuid, "report": verdict}
    creating = show.operation("Create VM newcomer", subject(moving), 1, steps={"cache-image": UPLOAD}, **common)
    broken = {"root-volume": {"status": "Undone", "error": "No space left on shared-1"}}
    failed = show.operation(
        "Create VM unlucky", ("VmInstance", FAILED_VM, "unlucky"), 0,
        status="Failed", undoing=True, error=ERROR, steps=broken, **common,
    )  # fmt: skip
    strangers(show, one)
    troubles(show, lost)
    entering, away, evacuation = maintenance(show, user)
    return {
        **services(show, [VmInstance.objects.get(name="web-0"), moving]),
        "vm": vm.uuid, "moving": moving.uuid, "gone": FAILED_VM, "host": one.uuid, "lost": lost.uuid,
        "entering": entering.uuid, "away": away.uuid, "creating": creating.uuid, "failed": failed.uuid,
        "evacuation": evacuation.uuid, "stuck": stuck(show, one, user).uuid,
    }  # fmt: skip


def rest(show: Showcase, chief: User) -> dict[str, str]:
    """What the fleet does not need: a volume, an empty zone, a tested host, what somebody keeps."""
    web = VmInstance.objects.get(name="web-1")
    factories.make_disk_offering(name="spare-disk", disk_size=10 * GIB)
    factories.make_volume(name="web-data", vm=web, size=10 * GIB, primary_storage=show.storage)
    show.image.image_store.zones.add(show.zone)
    empty = factories.make_zone(name="empty-zone", state="Disabled", description="Nothing stands here yet")
    factories.make_image_store(name="inventory", url=new_folder("inventory-images"))
    factories.make_tag(web, "VmInstanceVO", "prod")
    factories.make_tag(web, "VmInstanceVO", "hostname::web-1", TagType.SYSTEM)
    factories.make_token(user=chief, name="backup")
    SavedView.objects.create(user=chief, page="vms", name="Production", query="q=web")
    labels = [(step.name, step.label) for step in get(PROBE).steps]
    tested = ("HostVO", "", "node-9")
    test = show.operation(
        "Test the connection to node-9", tested, len(labels), kind=PROBE, created_by=chief, flow=labels,
        arguments={"uri": "qemu+tcp://10.77.0.99/system", "name": "node-9", "address": "10.77.0.99"},
        data={"found": FOUND},
    )  # fmt: skip
    return {"empty": empty.pk, "tested": test.pk}


def new_folder(name: str) -> str:
    folder: Path = settings.CORRAL_DATA_DIR / name
    folder.mkdir()
    return str(folder)


def draft(show: Showcase) -> dict[str, dict[str, Any]]:
    """What the create wizard is told, step by step, up to its review."""
    return {
        "basics": {"name": "drafted", "count": "1", "hostname": "", "description": ""},
        "image": {"image": show.image.pk, "offering": show.offering.pk},
        "networks": {"l3": [show.l3.pk], "default": show.l3.pk},
        "disks": {},
        "placement": {"kind": "auto"},
    }


def services(show: Showcase, vms: list[VmInstance]) -> dict[str, str]:
    """An office network with VIPs: one is the EIP of a VM, two of none, one forwards ports. Groups of rules."""
    l2 = factories.make_l2([show.cluster], name="l2-eth0", physical_interface="eth0")
    office = factories.make_l3(name="office", l2_network=l2)
    factories.make_ip_range(name="office", l3_network=office, start_ip="203.0.113.10", end_ip="203.0.113.99",
                            gateway="203.0.113.1")  # fmt: skip
    nics = [vm.nics.get(device_id=0) for vm in vms]
    front, ports, *spare = (
        factories.make_vip(name=name, l3_network=office) for name in ("front", "ports", "spare", "spare-2", "free")
    )
    factories.make_eip(name="newcomer-outside", vip=front, nic=nics[1])
    loose = [factories.make_eip(name=name, vip=vip) for name, vip in zip(("loose", "loose-2"), spare, strict=False)]
    for number, port in enumerate((22, 80, 443)):
        values = {"private_port_start": port, "private_port_end": port, "nic": nics[number % 2]}
        factories.make_port_forwarding_rule(name=f"port-{port}", vip=ports, ports=(port + 8000, port + 8000), **values)
    for name, port in (("web-servers", 80), ("administration", 22)):
        group = factories.make_security_group([show.l3], name=name)
        factories.make_security_group_rule(security_group=group, start_port=port, end_port=port)
        factories.make_security_group_rule(security_group=group, protocol="ICMP", start_port=-1, end_port=-1)
        group.nics.set(nics)
    return {"loose": loose[0].pk, "loose2": loose[1].pk, "l3": show.l3.pk}


def troubles(show: Showcase, host: Host) -> None:
    """What a look has found just now, so that none comes before the pictures are made.

    The host is one that is lost: on another one workers would mend it.
    """
    notes = {"hosts": {"note": "5 of 5 checked"}, "storages": {"note": "1 of 1 checked"}}
    labels = [(step.name, step.label) for step in get(LOOK).steps]
    show.operation("Check hosts and storages", ("", "", ""), len(labels), kind=LOOK, steps=notes, flow=labels)
    storage = PrimaryStorage.objects.first()
    for number in range(2):
        name = f"{'7e' * 15}{number:02x}.qcow2"
        Leak.objects.create(kind=LeakKind.FILE, storage=storage, name=name, detail="3 GiB on the storage, 20 GiB large")
    detail = "Leases 1 too many: 10.20.0.9 (web-old)"
    Leak.objects.create(kind=LeakKind.OUTDATED, host=host, name="7e" * 16, detail=detail)


def strangers(show: Showcase, host: Host) -> None:
    """Two domains that nobody recorded; one of them can be adopted."""
    show.l2.clusters.add(show.cluster)
    for number, folder in enumerate((show.storage.url, "/var/lib/libvirt/images")):
        disk = DomainDisk(
            target="vda", path=f"{folder}/shop-{number}.qcow2", format="qcow2", capacity=20 * GIB, bus="virtio"
        )
        more = DomainDisk(target="vdb", path=f"{folder}/data.raw", format="raw", capacity=80 * GIB, bus="virtio")
        nic = DomainNic(mac=f"52:54:00:5b:0e:{number:02x}", bridge="br_eth1_100", address=f"10.20.2.{number + 30}")
        other = DomainNic(mac=f"52:54:00:5b:0f:{number:02x}", bridge="virbr0")
        devices = asdict(DomainDevices(disks=(disk, more), nics=(nic, other)[: number + 1]))
        Stranger.objects.create(
            host=host, domain_uuid=f"5b{number:030x}", name=f"shop-{number}", vcpus=2, memory=4 * GIB,
            state=("running", "shutoff")[number], devices=devices,
        )  # fmt: skip


def maintenance(show: Showcase, user: User) -> tuple[Host, Host, Operation]:
    """A host on its way into maintenance: one VM has gone, one is going, one waits; and a host that is there.

    The host it has gone to is asked nothing, so that the plan of its own evacuation stays as it is.
    """
    entering = show.host("node-4", state="PreMaintenance", used_memory=2 * GIB, used_cpu=2)
    target = show.host("node-5", used_memory=62 * GIB)
    away = show.host("node-6", state="Maintenance")
    steps = {"evacuate": {"status": "Running", "started": timezone.now(), "done": 1, "total": 3, "attempts": 1,
                          "note": "1 moved, 2 to go; waiting: mail-3"}}  # fmt: skip
    parent = show.operation(
        "Take host node-4 into maintenance", ("HostVO", entering.pk, entering.name), 1,
        kind=MAINTAIN, created_by=user, steps=steps, flow=[(step.name, step.label) for step in get(MAINTAIN).steps],
    )  # fmt: skip
    labels = [(step.name, step.label) for step in get(MIGRATE).steps]
    half = {"migrate": {"status": "Running", "started": timezone.now(), "done": 600 << 20, "total": GIB, "attempts": 1}}
    gone, going = show.vm("mail-1", target), show.vm("mail-2", entering, "Migrating", target_host=target)
    show.vm("mail-3", entering)
    large = show.vm("warehouse", target)
    VmInstance.objects.filter(pk=large.pk).update(memory_size=48 * GIB)
    common = {"kind": MIGRATE, "created_by": user, "lane": entering.pk, "parent": parent, "flow": labels}
    show.operation("Migrate VM mail-1 to node-5", subject(gone), len(labels), **common)
    show.operation("Migrate VM mail-2 to node-5", subject(going), 2, steps=half, **common)
    return entering, away, parent


def stuck(show: Showcase, host: Host, user: User) -> Operation:
    """An evacuation that nothing came of: all but one could not leave, for one reason."""
    why = "No host can run this VM: 2 of 3 hosts lack memory (need 1 GiB, most free 512 MiB), 1 is the current host."
    left = list(VmInstance.objects.filter(host=host, state="Running"))
    reason = Reason(why, tuple(left * 4))
    error = describe(
        CannotLeave(f"The {len(reason.vms)} VMs left on {host.name} cannot leave it.", [reason]), get(MAINTAIN)
    )
    steps = {"evacuate": {"status": "Undone", "attempts": 1, "note": f"1 moved, {len(reason.vms)} to go",
                          "error": error["details"]}}  # fmt: skip
    return show.operation(
        f"Take host {host.name} into maintenance", ("HostVO", host.pk, host.name), 1, kind=MAINTAIN, created_by=user,
        status="Failed", undoing=True, steps=steps, flow=[(step.name, step.label) for step in get(MAINTAIN).steps],
        error=error | {"step": "evacuate", "stepLabel": "Move the VMs away"},
        arguments={"was": "Enabled", "options": {"deleteMode": "Permissive"}},
    )  # fmt: skip


def settle() -> None:
    """The VM on its way arrives."""
    operation = Operation.objects.get(title="Create VM newcomer")
    operation.steps.update(status="Done", finished=timezone.now())
    Operation.objects.filter(pk=operation.pk).update(status="Succeeded", finished=timezone.now())
    VmInstance.objects.filter(name="newcomer").update(state="Running", state_since=timezone.now())


def news() -> None:
    """Something happens while people look on."""
    with transaction.atomic():
        Operation.objects.create(kind="vm.create", title="News of the day", status="Failed")
        live.tell()
