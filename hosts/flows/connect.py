"""Add and reconnect a host: the full handshake, the only way to status Connected (semantics §8.2)."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from console.errors import Failure
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.systemtags import detach_all
from hosts import capacity, systemtags
from hosts.hypervisor import registry
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import HostFacts
from hosts.hypervisors import on_host
from hosts.models import Host, HostStatus, PrimaryStorage, PrimaryStorageType
from hosts.status import set_status

#: what apps above make on every host that connects, such as networks: (what, how)
realisers: list[tuple[str, Callable[[Host, Hypervisor], None]]] = []

ADD, RECONNECT = "host.add", "host.reconnect"


class Handshake(Step):
    """Ask the host who and what it is."""

    name = "handshake"
    label = "Shake hands"
    deadline = 90

    def run(self, ctx: StepContext) -> None:
        host = Host.objects.get(pk=ctx.subject)
        # Somebody asks for it, so it is dialled anew, however long it has been silent.
        registry.forget(host.uri)
        with on_host(ctx, host) as hypervisor:
            facts = hypervisor.facts()
        twin = Host.objects.filter(hypervisor_uuid=facts.hypervisor_uuid).exclude(pk=host.pk).first()
        if twin:
            raise Failure(f"{host.management_ip} is the same machine as host {twin.name} ({twin.management_ip})")
        with ctx.fenced():
            record_facts(host, facts)

    def undo(self, ctx: StepContext) -> None:
        """A host that was never connected leaves nothing; one that was is Disconnected."""
        with ctx.fenced():
            if ctx.operation.kind == ADD:
                if Host.objects.filter(pk=ctx.subject, status=HostStatus.CONNECTING).delete()[0]:
                    detach_all(ctx.subject)
            else:
                reason = (ctx.operation.error or {}).get("details", "")[:512]
                set_status(ctx.subject, HostStatus.DISCONNECTED, reason)


class Pools(Step):
    """Make the cluster's primary storages exist on the host as libvirt pools."""

    name = "storage"
    label = "Make storage pools"

    def run(self, ctx: StepContext) -> None:
        host = Host.objects.get(pk=ctx.subject)
        storages = PrimaryStorage.objects.filter(clusters=host.cluster_id)
        with on_host(ctx, host) as hypervisor:
            for storage in storages.exclude(type=PrimaryStorageType.LOCAL_STORAGE):
                pool = hypervisor.ensure_pool(storage.uuid, storage.url)
                with ctx.fenced():
                    PrimaryStorage.objects.filter(pk=storage.pk).update(
                        total_capacity=pool.capacity,
                        physical_available=pool.available,
                        status=HostStatus.CONNECTED,
                    )


class Realise(Step):
    """Make on the host what the apps above need there."""

    name = "networks"
    label = "Make networks"

    def run(self, ctx: StepContext) -> None:
        host = Host.objects.get(pk=ctx.subject)
        with on_host(ctx, host) as hypervisor:
            for what, make in realisers:
                ctx.note(what)
                make(host, hypervisor)


class Connected(Step):
    """The handshake is complete: the host may be used."""

    name = "connected"
    label = "Take into service"

    def run(self, ctx: StepContext) -> None:
        with ctx.fenced():
            capacity.recount_host(ctx.subject)
            set_status(ctx.subject, HostStatus.CONNECTED, "")

    def undo(self, ctx: StepContext) -> None:
        with ctx.fenced():
            set_status(ctx.subject, HostStatus.CONNECTING, "")


STEPS = (Handshake(), Pools(), Realise(), Connected())
register(Flow(ADD, "Add host", STEPS, "HOST.1000"), Flow(RECONNECT, "Reconnect host", STEPS, "HOST.1002"))


def _fitting(column: str, value: Any) -> Any:
    """What a host says of itself has no limit; what is kept has."""
    limit = getattr(Host._meta.get_field(column), "max_length", None)
    return value[:limit] if isinstance(value, str) and limit else value


def record_facts(host: Host, facts: HostFacts) -> None:
    """Keep what the handshake found, as columns and as inherent tags."""
    os = facts.os
    columns = {
        "hostname": facts.hostname,
        "hypervisor_uuid": facts.hypervisor_uuid,
        "total_cpu": facts.cpu_count,
        "total_memory": facts.memory_total,
        "cpu_model": facts.cpu_model,
        "cpu_mhz": facts.cpu_mhz,
        "libvirt_version": facts.libvirt_version,
        "qemu_version": facts.qemu_version,
        "emulation": facts.emulation,
        "kvm_note": facts.kvm_note,
        "prepared": facts.prepared,
        "os_distribution": os.distribution if os else "",
        "os_release": os.release if os else "",
        "os_version": os.version if os else "",
    }
    columns = {name: _fitting(name, value) for name, value in columns.items()}
    tags = (
        (systemtags.OS_DISTRIBUTION, columns["os_distribution"]),
        (systemtags.OS_RELEASE, columns["os_release"]),
        (systemtags.OS_VERSION, columns["os_version"]),
        (systemtags.LIBVIRT_VERSION, facts.libvirt_version),
        (systemtags.QEMU_VERSION, facts.qemu_version),
    )
    with transaction.atomic():
        Host.objects.filter(pk=host.pk).update(**columns)
        for pattern, value in tags:
            pattern.write(host.pk, value=str(value)) if value else pattern.remove(host.pk)
