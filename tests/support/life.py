"""Carrying out operations of VMs in tests."""

from console.models import Operation, Status
from tests.support.datacenter import Datacenter
from vms.life import stop_vm
from vms.models import VmInstance


def ran(dc: Datacenter, operation: Operation | None) -> Operation:
    """It succeeded."""
    assert operation is not None
    done = dc.run(operation)
    assert done.status == Status.SUCCEEDED, done.error
    return done


def failed(dc: Datacenter, operation: Operation | None) -> Operation:
    """It failed, and said so."""
    assert operation is not None
    done = dc.run(operation)
    assert done.status == Status.FAILED
    return done


def stopped(dc: Datacenter, **changes: object) -> VmInstance:
    """A VM that has run and is stopped."""
    vm = dc.create(**changes)
    ran(dc, stop_vm(vm.uuid))
    return vm.reload()
