"""Networks of a host: defined, kept running, their static leases changed live."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import libvirt

from hosts.hypervisor.errors import NetworkConflict, NetworkNotFound
from hosts.hypervisor.libvirt_driver.connection import Part, hypervisor_call
from hosts.hypervisor.libvirt_driver.network_xml import frame, host_xml, is_ours, network_state, network_xml
from hosts.hypervisor.libvirt_driver.text import dashed_uuid
from hosts.hypervisor.spec import DhcpHost, NetworkSpec, NetworkState

_LIVE = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE
_CONFIG = libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
_ADD = libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST
_MODIFY = libvirt.VIR_NETWORK_UPDATE_COMMAND_MODIFY
_DELETE = libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE


class NetworkCalls(Part):
    """The port's methods about networks."""

    @hypervisor_call
    def networks(self) -> Mapping[str, NetworkState]:
        states = map(_state, self.link.get().listAllNetworks())
        return {state.uuid: state for state in states if state is not None}

    @hypervisor_call
    def ensure_network(self, spec: NetworkSpec) -> None:
        connection = self.link.get()
        net = _lookup(connection, spec.uuid)
        if net is None:
            _refuse_held(connection, spec)
            _define_and_start(connection, spec)
            return
        if not _is_defined_as(net, spec):
            _refuse_held(connection, spec)
            _refuse_guests_cut_off(net, spec)
            connection.networkDefineXML(network_xml(spec))
        _renew_frame(net, spec)
        _sync(net, lambda _host: True, spec.hosts)
        _run(net)

    @hypervisor_call
    def add_dhcp_host(self, network: str, host: DhcpHost) -> None:
        net = _lookup(self.link.get(), network)
        if net is None:
            raise NetworkNotFound(f"The host knows no network {network}.")
        _sync(net, lambda entry: entry.mac == host.mac, [host])

    @hypervisor_call
    def remove_dhcp_host(self, network: str, mac: str) -> None:
        net = _lookup(self.link.get(), network)
        if net is not None:
            _sync(net, lambda entry: entry.mac == mac, [])

    @hypervisor_call
    def remove_network(self, uuid: str) -> None:
        net = _lookup(self.link.get(), uuid)
        if net is None:
            return
        if net.isActive():
            _unless_gone(net.destroy)
        _unless_gone(net.undefine)


def _lookup(connection: Any, uuid: str) -> Any | None:
    try:
        return connection.networkLookupByUUIDString(dashed_uuid(uuid))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_NETWORK:
            return None
        raise


def _unless_gone(step: Callable[[], object]) -> None:
    """Stopping what somebody else has stopped or removed in the meantime is success."""
    try:
        step()
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (libvirt.VIR_ERR_NO_NETWORK, libvirt.VIR_ERR_OPERATION_INVALID):
            raise


def _state(net: Any) -> NetworkState | None:
    """None for a network that is not Corral's, or that has gone since it was listed."""
    if not is_ours(net.name(), net.UUIDString()):
        return None
    try:
        return network_state(net.XMLDesc(0), bool(net.isActive()))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_NETWORK:
            return None
        raise


def _definition(net: Any) -> str | None:
    """What the network will be at its next start; None where the host does not tell it from what runs."""
    try:
        xml: str = net.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_INVALID_ARG:
            return None
        raise
    return xml


def _places(net: Any) -> dict[int, str]:
    """The definition, and what runs: they can differ, so each is compared and changed by itself."""
    definition = _definition(net)
    places = {} if definition is None else {_CONFIG: definition}
    if net.isActive() or definition is None:
        places[_LIVE] = net.XMLDesc(0)
    return places


def _is_defined_as(net: Any, spec: NetworkSpec) -> bool:
    definition = _definition(net) if net.isPersistent() else None
    return definition is not None and frame(definition) == frame(network_xml(spec))


def _has_guests(net: Any) -> bool:
    """Where the host cannot tell, there may be some."""
    try:
        return bool(net.listAllPorts())
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return True
        raise


def _refuse_held(connection: Any, spec: NetworkSpec) -> None:
    """The bridge and the gateway address must not belong to another network of the host: libvirt would not
    look at the address of an open network at all."""
    for net in connection.listAllNetworks():
        other = network_state(net.XMLDesc(0), active=True)
        if other.uuid == spec.uuid:
            continue
        if other.bridge == spec.bridge:
            raise NetworkConflict(f"Bridge {spec.bridge} belongs to network {net.name()}.")
        if other.gateway == spec.gateway:
            raise NetworkConflict(f"Address {spec.gateway} belongs to network {net.name()}.")


def _refuse_guests_cut_off(net: Any, spec: NetworkSpec) -> None:
    """Another bridge or gateway needs a restart of the network, which guests on it would not survive."""
    running = network_state(net.XMLDesc(0), active=True)
    same = (running.bridge, running.gateway) == (spec.bridge, spec.gateway)
    if net.isActive() and not same and _has_guests(net):
        raise NetworkConflict(f"Network {spec.uuid} has guests on bridge {running.bridge}, gateway {running.gateway}.")


def _define_and_start(connection: Any, spec: NetworkSpec) -> None:
    net = connection.networkDefineXML(network_xml(spec))
    try:
        _run(net)
    except libvirt.libvirtError:
        _unless_gone(net.undefine)
        raise


def _run(net: Any) -> None:
    try:
        if not net.isActive():
            net.create()
    except libvirt.libvirtError:
        if not net.isActive():  # somebody else may just have started it
            raise
    if not net.autostart():
        net.setAutostart(1)


def _renew_frame(net: Any, spec: NetworkSpec) -> None:
    """Forwarders, domain and the like reach dnsmasq only when the network starts: stop it when no guest is on
    it; otherwise what is defined holds from its next start on."""
    if net.isActive() and frame(net.XMLDesc(0)) != frame(network_xml(spec)) and not _has_guests(net):
        net.destroy()


def _sync(net: Any, concerned: Callable[[DhcpHost], bool], wanted: Iterable[DhcpHost]) -> None:
    """Make the concerned static leases equal to `wanted`, in the definition and live.

    Where nothing differs live, one lease is stated again: it changes nothing, but libvirt looks after
    dnsmasq at every change and starts one that has died.
    """
    wanted = list(wanted)
    for where, xml in _places(net).items():
        present = network_state(xml, active=True).hosts
        gone = [host for host in present if concerned(host) and host not in wanted]
        new = [host for host in wanted if host not in present]
        _refuse_taken([host for host in present if host not in gone], new)
        changes = [(_DELETE, host) for host in gone] + [(_ADD, host) for host in new]
        if where == _LIVE and not changes:
            changes = [(_MODIFY, host) for host in wanted[:1]]
        for command, host in changes:
            net.update(command, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, host_xml(host), where)


def _refuse_taken(present: Iterable[DhcpHost], new: Iterable[DhcpHost]) -> None:
    """Look before anything is removed, as libvirt would refuse only the second half of a replacement."""
    holders = {host.ip: host for host in present}
    for host in new:
        if host.ip in holders:
            raise NetworkConflict(f"Address {host.ip} is leased to {holders[host.ip].mac}.")
