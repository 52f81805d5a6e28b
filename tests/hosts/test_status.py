from datetime import timedelta

import pytest
from django.utils import timezone

from console.operations.cause import because
from hosts.models import Host, HostChange, HostStatus
from hosts.status import lose, set_status
from tests.factories import make_host, make_vm
from vms.models import VmInstance
from vms.states import VmState

pytestmark = pytest.mark.django_db


def connected_host() -> Host:
    host = make_host()
    Host.objects.filter(pk=host.pk).update(status=HostStatus.CONNECTED, status_since=timezone.now())
    return host.reload()


def state_of(vm: VmInstance) -> str:
    return str(VmInstance.objects.get(pk=vm.pk).state)


def test_a_host_that_does_not_answer_is_disconnected_and_says_why() -> None:
    host = connected_host()
    lose(host, "node1 does not answer.")
    assert (host.reload().status, host.reload().status_reason) == ("Disconnected", "node1 does not answer")


def test_a_host_that_shook_hands_meanwhile_is_not_lost() -> None:
    before = connected_host()
    Host.objects.filter(pk=before.pk).update(status_since=timezone.now() + timedelta(seconds=1))
    lose(before, "late news")
    assert before.reload().status == HostStatus.CONNECTED


def test_its_running_vms_become_unknown_and_keep_their_place() -> None:
    host = connected_host()
    vm = make_vm(host=host, state=VmState.RUNNING)
    lose(host, "gone")
    assert (state_of(vm), VmInstance.objects.get(pk=vm.pk).host_id) == ("Unknown", host.pk)


def test_vms_elsewhere_and_stopped_ones_stay_as_they_are() -> None:
    host, other = connected_host(), connected_host()
    elsewhere, stopped = make_vm(host=other, state=VmState.RUNNING), make_vm(host=host, state=VmState.STOPPED)
    lose(host, "gone")
    assert (state_of(elsewhere), state_of(stopped)) == ("Running", "Stopped")


def test_a_host_already_lost_keeps_its_since() -> None:
    host = connected_host()
    lose(host, "gone")
    since = host.reload().status_since
    set_status(host.pk, HostStatus.DISCONNECTED, "still gone")
    assert (host.reload().status_since, host.reload().status_reason) == (since, "still gone")


def test_the_history_keeps_every_change_of_the_connection_and_why() -> None:
    host = connected_host()
    lose(host, "gone")
    with because("operation", operation="b" * 32):
        set_status(host.pk, HostStatus.CONNECTING, "reconnecting")
    told = HostChange.objects.filter(host_uuid=host.pk).values_list("status", "reason", "cause", "operation_uuid")
    assert list(told) == [
        ("Connecting", "reconnecting", "operation", "b" * 32),
        ("Disconnected", "gone", "system", ""),
    ]


def test_what_changes_nothing_is_not_told() -> None:
    host = connected_host()
    set_status(host.pk, HostStatus.CONNECTED, "")
    assert not HostChange.objects.exists()
