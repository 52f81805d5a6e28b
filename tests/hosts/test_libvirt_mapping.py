"""libvirt's numbers in Corral's words."""

import errno

import libvirt
import pytest

from hosts.hypervisor import errors
from hosts.hypervisor.libvirt_driver.mapping import error_class, state, translate
from hosts.hypervisor.libvirt_driver.text import dashed_uuid, plain_uuid
from hosts.hypervisor.spec import DomainState

QEMU, RPC, NETWORK, STORAGE = (
    libvirt.VIR_FROM_QEMU,
    libvirt.VIR_FROM_RPC,
    libvirt.VIR_FROM_NETWORK,
    libvirt.VIR_FROM_STORAGE,
)
INTERNAL, SYSTEM = libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_SYSTEM_ERROR
INVALID = libvirt.VIR_ERR_OPERATION_INVALID


@pytest.mark.parametrize(
    ("code", "part", "number", "text", "ours"),
    [
        (libvirt.VIR_ERR_NO_DOMAIN, QEMU, -1, "Domain not found", errors.DomainNotFound),
        (libvirt.VIR_ERR_NO_NETWORK, NETWORK, -1, "Network not found", errors.NetworkNotFound),
        (libvirt.VIR_ERR_NO_STORAGE_POOL, STORAGE, -1, "Storage pool not found", errors.PoolNotFound),
        (libvirt.VIR_ERR_NO_STORAGE_VOL, STORAGE, -1, "Storage volume not found", errors.VolumeNotFound),
        (libvirt.VIR_ERR_STORAGE_VOL_EXIST, STORAGE, -1, "exists already", errors.VolumeExists),
        (INVALID, STORAGE, -1, "volume target path '/p/v' already exists", errors.VolumeExists),
        (INVALID, STORAGE, -1, "storage pool 'p' is not active", errors.HypervisorError),
        (INVALID, QEMU, -1, "domain is not running", errors.DomainStateError),
        (INVALID, NETWORK, -1, "there is an existing dhcp host entry", errors.NetworkConflict),
        (libvirt.VIR_ERR_OPERATION_TIMEOUT, QEMU, -1, "cannot acquire lock", errors.DomainStateError),
        (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, QEMU, -1, "CPU tuning is not available", errors.Unsupported),
        (INTERNAL, NETWORK, -1, "bridge name 'br0' already in use.", errors.NetworkConflict),
        (SYSTEM, NETWORK, errno.EEXIST, "Unable to create bridge br0: File exists", errors.NetworkConflict),
        (SYSTEM, RPC, errno.ECONNREFUSED, "unable to connect to server", errors.HostUnreachable),
        (INTERNAL, RPC, -1, "client socket is closed", errors.HostUnreachable),
        (INTERNAL, QEMU, -1, "End of file from qemu monitor", errors.HypervisorError),
        (SYSTEM, STORAGE, errno.ENOSPC, "cannot allocate", errors.NoSpace),
        (SYSTEM, STORAGE, errno.EDQUOT, "cannot allocate", errors.NoSpace),
        (SYSTEM, STORAGE, errno.EACCES, "cannot open", errors.HypervisorError),
        (INTERNAL, STORAGE, -1, "qemu-img: x: No space left on device", errors.NoSpace),
        (99_999, QEMU, -1, "from the future", errors.HypervisorError),
    ],
)
def test_an_error_of_libvirt_is_one_of_ours(
    code: int, part: int, number: int, text: str, ours: type[errors.HypervisorError]
) -> None:
    assert error_class(code, part, number, text) is ours


def test_code_message_host_and_call_are_kept() -> None:
    connection = libvirt.open("test:///default")
    with pytest.raises(libvirt.libvirtError) as caught:
        connection.lookupByName("nobody")
    error = translate(caught.value, "host1", "start_domain")
    assert type(error) is errors.DomainNotFound
    assert "not found" in error.message
    assert (error.code, error.host, error.call) == (libvirt.VIR_ERR_NO_DOMAIN, "host1", "start_domain")


def test_an_exception_without_a_record_is_translated_too() -> None:
    error = translate(libvirt.libvirtError("something failed"), "host1", "ping")
    assert isinstance(error, errors.HypervisorError)


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (libvirt.VIR_DOMAIN_RUNNING, DomainState.RUNNING),
        (libvirt.VIR_DOMAIN_BLOCKED, DomainState.RUNNING),
        (libvirt.VIR_DOMAIN_PMSUSPENDED, DomainState.SUSPENDED),
        (libvirt.VIR_DOMAIN_SHUTOFF, DomainState.SHUTOFF),
        (99, DomainState.NOSTATE),
    ],
)
def test_a_domains_state_has_one_word(number: int, word: DomainState) -> None:
    assert state(number) is word


def test_a_uuid_goes_there_and_back() -> None:
    assert plain_uuid(dashed_uuid("0123456789abcdef0123456789abcdef")) == "0123456789abcdef0123456789abcdef"
