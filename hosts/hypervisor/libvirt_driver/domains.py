"""Domains of a host: listed, defined, started, ended."""

from collections.abc import Callable, Mapping
from typing import Any

import libvirt

from hosts.hypervisor.errors import DomainNotFound, DomainStateError
from hosts.hypervisor.libvirt_driver.connection import Part, hypervisor_call
from hosts.hypervisor.libvirt_driver.devices import devices_of
from hosts.hypervisor.libvirt_driver.domain_xml import domain_xml
from hosts.hypervisor.libvirt_driver.mapping import state
from hosts.hypervisor.libvirt_driver.probe import is_probe
from hosts.hypervisor.libvirt_driver.text import dashed_uuid, plain_uuid
from hosts.hypervisor.spec import DomainDevices, DomainInfo, DomainSpec, DomainState

#: what may hang on a definition and would keep it from going
_COMMON = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
_ALL = _COMMON | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM


class DomainCalls(Part):
    """The port's methods about domains."""

    @hypervisor_call
    def domains(self) -> Mapping[str, DomainInfo]:
        """One call names every domain with its state; sizes are asked domain by domain, since the call that
        has them all stands still as soon as one QEMU does not answer. Corral's own probes are no domains."""
        connection = self.link.get()
        listed = connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
        transient = {
            domain.UUIDString() for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT)
        }
        rows = (
            _row(domain, stats["state.state"], domain.UUIDString() not in transient)
            for domain, stats in listed
            if not is_probe(domain.name())
        )
        return {row.uuid: row for row in rows if row is not None}

    @hypervisor_call
    def domain_state(self, uuid: str) -> DomainState:
        domain = lookup(self.link.get(), uuid)
        return DomainState.ABSENT if domain is None else state_of(domain)

    @hypervisor_call
    def define_domain(self, spec: DomainSpec) -> None:
        connection, name = self.link.get(), ""
        found = lookup(connection, spec.uuid)
        if found is not None and found.name() != spec.uuid:
            # libvirt redefines a domain under its own name only.
            if found.isActive():
                name = found.name()
            else:
                _undefine(found)
        connection.defineXML(domain_xml(spec, name))

    @hypervisor_call
    def start_domain(self, uuid: str) -> None:
        domain = known(self.link.get(), uuid)
        if not domain.isActive():
            _unless(domain.create, lambda: state_of(domain).active)

    @hypervisor_call
    def shutdown_domain(self, uuid: str) -> None:
        domain = known(self.link.get(), uuid)
        if domain.isActive():
            # Of one whose CPUs stand still libvirt says that it is not running.
            _unless(domain.shutdown, lambda: state_of(domain) is not DomainState.RUNNING)

    @hypervisor_call
    def destroy_domain(self, uuid: str) -> None:
        domain = lookup(self.link.get(), uuid)
        if domain is not None and domain.isActive():
            _unless(domain.destroy, lambda: not state_of(domain).active)

    @hypervisor_call
    def undefine_domain(self, uuid: str) -> None:
        domain = lookup(self.link.get(), uuid)
        if domain is None:
            return
        if domain.isActive():
            raise DomainStateError(f"Domain {uuid} is active and cannot be undefined.")
        _unless(lambda: _undefine(domain), lambda: state_of(domain) is DomainState.ABSENT)

    @hypervisor_call
    def domain_xml(self, uuid: str) -> str:
        xml: str = known(self.link.get(), uuid).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        return xml

    @hypervisor_call
    def domain_devices(self, uuid: str) -> DomainDevices:
        connection = self.link.get()
        return devices_of(connection, known(connection, uuid))


def lookup(connection: Any, uuid: str) -> Any | None:
    try:
        return connection.lookupByUUIDString(dashed_uuid(uuid))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def known(connection: Any, uuid: str) -> Any:
    domain = lookup(connection, uuid)
    if domain is None:
        raise DomainNotFound(f"The host knows no domain {uuid}.")
    return domain


def state_of(domain: Any) -> DomainState:
    try:
        return state(domain.state()[0])
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return DomainState.ABSENT
        raise


def _unless(step: Callable[[], object], done: Callable[[], bool]) -> None:
    """Run `step`; its refusal counts for nothing when what it was for has come about in the meantime."""
    try:
        step()
    except libvirt.libvirtError:
        if not done():
            raise


def _undefine(domain: Any) -> None:
    """A host that does not know a kind of thing refuses to be asked to remove it, and has none."""
    try:
        domain.undefineFlags(_ALL)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
            raise
        domain.undefineFlags(_COMMON)


def _row(domain: Any, number: int, persistent: bool) -> DomainInfo | None:
    """None when the domain has gone since it was listed."""
    try:
        _state_now, _maximum, memory, vcpus, _time = domain.info()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    return DomainInfo(
        uuid=plain_uuid(domain.UUIDString()),
        name=domain.name(),
        state=state(number),
        vcpus=vcpus,
        memory=memory * 1024,
        persistent=persistent,
    )
