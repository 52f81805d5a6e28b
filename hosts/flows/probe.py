"""Look at a host before it is added: a short operation without a record of the host, so that no page waits for it."""

from collections.abc import Mapping

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from console.errors import Failure, InvalidArgument
from console.models import Operation
from console.naming import hostname_problem, new_uuid
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.operations.services import submit
from hosts.address import uri_problem
from hosts.hypervisor import registry
from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.hypervisor.spec import HostFacts
from hosts.hypervisors import on_host
from hosts.models import Host

PROBE = "host.probe"

#: what has to be so for each way to reach a host
WAYS: Mapping[str, str] = {
    "qemu+tls": "libvirtd has to listen for TLS (port 16514), and both sides need certificates of one authority.",
    "qemu+ssh": "the console's user needs a key that the host accepts without a password, and a known host key.",
    "qemu+tcp": "libvirtd has to listen on plain TCP (port 16509), which belongs on a protected network only.",
    "sim": "the simulator has no host of this name.",
}


def probe_host(*, name: str, management_ip: str, uri: str, user: AbstractBaseUser | None = None) -> Operation:
    """Ask a host who it is without adding it. Raises InvalidArgument for an address that cannot be one."""
    if problem := hostname_problem(management_ip):
        raise InvalidArgument(problem, field="managementIp")
    if problem := uri_problem(uri):
        raise InvalidArgument(problem, field="uri")
    for column, value, field in (("management_ip", management_ip, "managementIp"), ("uri", uri, "uri")):
        if twin := Host.objects.filter(**{column: value}).first():
            raise InvalidArgument(f"Host {twin.name} is reached at {value} already", field=field)
    with transaction.atomic():
        return submit(
            kind=PROBE,
            title=f"Test the connection to {management_ip}",
            subject=("HostProbe", new_uuid(), name or management_ip),
            locks=[],
            arguments={"uri": uri, "name": name or management_ip, "address": management_ip},
            user=user,
        )


def _host(ctx: StepContext) -> Host:
    return Host(name=ctx.arguments["name"], uri=ctx.arguments["uri"])


class Knock(Step):
    """See whether it answers at all, and say what to look at when it does not."""

    name = "reach"
    label = "Reach it"
    deadline = 20

    def run(self, ctx: StepContext) -> None:
        uri = ctx.arguments["uri"]
        # What an earlier test found out must not keep this one from looking.
        registry.forget(uri)
        try:
            with on_host(ctx, _host(ctx)) as hypervisor:
                hypervisor.ping()
        except HostUnreachable as error:
            way = WAYS.get(uri.partition("://")[0], "")
            raise Failure(f"{error.message} For this way {way}" if way else error.message) from error
        except HypervisorError as error:
            raise Failure(error.message) from error


class Look(Step):
    """Find out what it is; whether KVM works is proven by running something."""

    name = "facts"
    label = "Find out what it is"
    deadline = 60

    def run(self, ctx: StepContext) -> None:
        with on_host(ctx, _host(ctx)) as hypervisor:
            facts = hypervisor.facts()
        twin = Host.objects.filter(hypervisor_uuid=facts.hypervisor_uuid).first()
        ctx.remember(found=_found(facts), twin=twin.name if twin else "")
        if twin:
            raise Failure(
                f"This is the same machine as host {twin.name} ({twin.management_ip}), which is known already"
            )
        registry.forget(ctx.arguments["uri"])


def _found(facts: HostFacts) -> dict[str, object]:
    """What the page shows, as JSON."""
    return {
        "hostname": facts.hostname,
        "libvirt": facts.libvirt_version,
        "qemu": facts.qemu_version,
        "cpus": facts.cpu_count,
        "cpuModel": facts.cpu_model,
        "cpuMhz": facts.cpu_mhz,
        "memory": facts.memory_total,
        "memoryFree": facts.memory_free,
        "emulation": str(facts.emulation),
        "kvmNote": facts.kvm_note,
        "os": f"{facts.os.distribution} {facts.os.version} ({facts.os.release})" if facts.os else "",
        "prepared": facts.prepared,
        "lacking": list(facts.lacking),
    }


register(Flow(PROBE, "Test connection", (Knock(), Look())))
