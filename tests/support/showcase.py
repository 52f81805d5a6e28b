"""A fleet of rows for tests of pages: hosts in every condition, VMs in every state, operations at every point."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from console.models import Operation, OperationStep, ResourceLock, Tag, TagType
from hosts.models import Cluster, Host, HostPulse, ImageStore, PrimaryStorage, Zone
from networks.models import AddressUse, IpRange, L2Network, L3Network, UsedIp
from vms.models import Image, InstanceOffering, InternalId, VmInstance, VmNic, Volume
from vms.states import HOLDS_CAPACITY, VmState

GIB = 1 << 30
#: no beat may ring for what stands here, and no worker take it
FAR_AWAY = timezone.now() + timedelta(minutes=50)

CREATE_STEPS = (
    ("prepare-host", "Prepare the host's storage and networks"),
    ("cache-image", "Upload the image to the primary storage"),
    ("root-volume", "Make the root volume"),
    ("dhcp", "Reserve addresses on the host"),
    ("define", "Define the domain"),
    ("start", "Start the domain"),
)


class Showcase:
    """The ground (zone, cluster, storage, network, offering, image) and makers of what stands on it."""

    def __init__(self) -> None:
        self.zone = Zone.objects.create(name="demo-zone")
        self.cluster = Cluster.objects.create(name="demo-cluster", zone=self.zone)
        self.storage = PrimaryStorage.objects.create(
            name="shared-1",
            zone=self.zone,
            url="/srv/corral",
            status="Connected",
            total_capacity=400 * GIB,
            physical_available=320 * GIB,
            used_capacity=61 * GIB,
        )
        self.storage.clusters.add(self.cluster)
        store = ImageStore.objects.create(name="images", url="/srv/images")
        self.l2 = L2Network.objects.create(name="l2-eth1-100", zone=self.zone, physical_interface="eth1", vlan=100)
        self.l3 = L3Network.objects.create(
            name="web-tier", l2_network=self.l2, dns_domain="web.example.org", dns=["9.9.9.9"]
        )
        self.range = IpRange.objects.create(
            name="web",
            l3_network=self.l3,
            start_ip="10.20.0.10",
            end_ip="10.20.3.250",
            netmask="255.255.252.0",
            gateway="10.20.0.1",
        )
        self.offering = InstanceOffering.objects.create(name="small-1c-1g", cpu_num=1, memory_size=GIB)
        self.large = InstanceOffering.objects.create(name="large-4c-8g", cpu_num=4, memory_size=8 * GIB)
        self.image = Image.objects.create(
            name="debian-12-generic", image_store=store, install_path="/srv/images/d.qcow2", size=2 * GIB
        )
        #: what the NICs of a VM are on, in the order of devices; further NICs are on the first again
        self.networks = [(self.l3, self.range)]
        self.taken = 0

    def host(self, name: str, **values: Any) -> Host:
        number = Host.objects.count() + 11
        facts: dict[str, Any] = {
            "cluster": self.cluster,
            "management_ip": f"10.77.0.{number}",
            "uri": f"qemu+tcp://10.77.0.{number}/system",
            "status": "Connected",
            "status_since": timezone.now() - timedelta(hours=5),
            "total_cpu": 16,
            "total_memory": 64 * GIB,
            "hostname": f"{name}.example.org",
            "cpu_model": "EPYC-Rome",
            "cpu_mhz": 2800,
            "libvirt_version": "9.0.0",
            "qemu_version": "7.2.11",
            "os_distribution": "debian",
            "os_release": "bookworm",
            "os_version": "12",
            "emulation": "qemu",
            "prepared": 1,
            "kvm_note": "/dev/kvm is there, but a test guest did not start under it",
        }
        host = Host.objects.create(name=name, **{**facts, **values})
        seen = timedelta(seconds=12) if host.status == "Connected" else timedelta(hours=2)
        HostPulse.objects.create(host=host, seen_at=timezone.now() - seen, seen_by="poll", look_at=FAR_AWAY)
        return host

    def vm(self, name: str, host: Host | None, state: str = VmState.RUNNING, **values: Any) -> VmInstance:
        offering = values.pop("offering", self.offering)
        nics = values.pop("nics", 1)
        age = values.pop("age", timedelta(minutes=90))
        placed = host if state in HOLDS_CAPACITY or state == VmState.CREATED else None
        vm = VmInstance.objects.create(
            name=name,
            zone=self.zone,
            cluster=self.cluster,
            host=placed,
            last_host=None if placed else host,
            image=self.image,
            instance_offering=offering,
            default_l3_network=self.l3,
            state=state,
            cpu_num=offering.cpu_num,
            memory_size=offering.memory_size,
            internal_id=InternalId.objects.create().pk,
            create_date=timezone.now() - age,
            state_since=timezone.now() - age + timedelta(seconds=9),
            **values,
        )
        if state != VmState.DESTROYED:
            self._parts(vm, nics)
        VmInstance.objects.remember(vm.pk)
        return vm

    def _parts(self, vm: VmInstance, nics: int) -> None:
        for device in range(nics):
            self.nic(vm, device)
        vm.root_volume = Volume.objects.create(
            name=f"ROOT-for-{vm.name}",
            vm=vm,
            type="Root",
            size=self.image.size,
            device_id=0,
            primary_storage=self.storage,
            root_image=self.image,
            status="Ready",
            install_path=f"/srv/corral/{vm.uuid}.qcow2",
        )
        vm.save(update_fields=["root_volume"])

    def nic(self, vm: VmInstance, device: int) -> VmNic:
        self.taken += 1
        l3, addresses = self.networks[device % len(self.networks)]
        net = addresses.start_ip.rsplit(".", 2)[0]
        ip = f"{net}.{self.taken // 200}.{self.taken % 200 + 10}"
        used = UsedIp.objects.create(
            l3_network=l3,
            ip_range=addresses,
            ip=ip,
            ip_number=self.taken,
            netmask=addresses.netmask,
            gateway=addresses.gateway,
        )
        mac = f"fa:0a:00:00:{self.taken // 256:02x}:{self.taken % 256:02x}"
        AddressUse.objects.create(l3_uuid=l3.pk, l3_name=l3.name, ip=ip, mac=mac, owner_uuid=vm.pk, owner_name=vm.name)
        return VmNic.objects.create(
            vm=vm,
            l3_network=l3,
            used_ip=used,
            device_id=device,
            ip=ip,
            netmask=used.netmask,
            gateway=used.gateway,
            mac=mac,
            internal_name=f"vnic{vm.internal_id}.{device}",
        )

    def tag(self, vm: VmInstance, text: str) -> Tag:
        return Tag.objects.create(resource_uuid=vm.uuid, resource_type="VmInstanceVO", tag=text, type=TagType.SYSTEM)

    def operation(
        self, title: str, subject: tuple[str, str, str], reached: int = len(CREATE_STEPS), **values: Any
    ) -> Operation:
        """An operation whose first `reached` steps are done; `steps` overrides the fields of single steps by name.

        `flow`: (name, label) of its steps, where it is not a creation.
        """
        overrides, flow = values.pop("steps", {}), values.pop("flow", CREATE_STEPS)
        ended = reached == len(flow)
        started = values.pop("started", timezone.now() - timedelta(seconds=42))
        status = values.pop("status", "Succeeded" if ended else "Running")
        finished = started + timedelta(seconds=9) if status in ("Succeeded", "Failed", "Cancelled") else None
        operation = Operation.objects.create(
            **{
                "kind": "vm.create",
                "title": title,
                "subject_type": subject[0],
                "subject_uuid": subject[1],
                "subject_name": subject[2],
                "status": status,
                "started": started,
                "finished": finished,
                "create_date": started - timedelta(milliseconds=90),
                "worker": "console-1:4711",
                "ring_at": FAR_AWAY,
                "token": 1,
                **values,
            }
        )
        if operation.is_open:
            # Its VM is worked on: nobody takes it for one that was left alone.
            ResourceLock.objects.get_or_create(resource_uuid=subject[1], defaults={"operation": operation})
        for position, (name, label) in enumerate(flow):
            done = position < reached
            fields: dict[str, Any] = {"status": "Done" if done else "Pending"}
            if done:
                begin = started + timedelta(seconds=position)
                fields |= {
                    "started": begin,
                    "finished": begin + timedelta(milliseconds=400 * position + 130),
                    "attempts": 1,
                }
            OperationStep.objects.create(
                operation=operation, position=position, name=name, label=label, **{**fields, **overrides.get(name, {})}
            )
        return operation


def report(*hosts: Host, refused: dict[str, tuple[str, str, dict[str, Any] | None]]) -> dict[str, Any]:
    """An allocator's report over `hosts`; `refused` maps names to rule, reason and figures."""
    entries = []
    for host in hosts:
        rule, reason, figures = refused.get(host.name, (None, None, None))
        entries.append(
            {
                "host_uuid": host.uuid,
                "host_name": host.name,
                "eligible": reason is None,
                "rule": rule,
                "reason": reason,
                "figures": figures,
            }
            | ({} if reason else {"room": {"cpu": host.total_cpu * 10, "memory": host.total_memory}})
        )
    eligible = len(hosts) - len(refused)
    return {
        "strategy": "DefaultHostAllocatorStrategy",
        "cpu": 1,
        "memory": GIB,
        "place": None,
        "eligible": eligible,
        "total": len(hosts),
        "summary": f"{eligible} of {len(hosts)} hosts can run this VM.",
        "hosts": entries,
    }


def subject(vm: VmInstance) -> tuple[str, str, str]:
    return "VmInstance", vm.uuid, vm.name
