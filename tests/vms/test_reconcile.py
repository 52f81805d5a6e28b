"""The tracer's table: what a look at a host means for a record (semantics §3.4, §3.5)."""

import pytest

from hosts.hypervisor.spec import DomainState
from vms.reconcile import LEFT_TO_HEALING, RULES, Act, Placed, Shown, act, placed, shown
from vms.states import TRANSITIONS, VmEvent, VmState

S, P, W = VmState, Placed, Shown

EXPECTED = [
    # on the host that it is placed on
    (S.RUNNING, P.HERE, W.ALIVE, Act.KEEP),
    (S.RUNNING, P.HERE, W.DEFINED, Act.MISSING),
    (S.RUNNING, P.HERE, W.ABSENT, Act.MISSING),
    (S.UNKNOWN, P.HERE, W.ALIVE, Act.RUNNING),
    (S.UNKNOWN, P.HERE, W.DEFINED, Act.MISSING),
    (S.UNKNOWN, P.HERE, W.ABSENT, Act.MISSING),
    # left alone half-way by an operation
    *((state, P.HERE, W.ALIVE, Act.RUNNING) for state in (S.STARTING, S.STOPPING, S.REBOOTING, S.MIGRATING)),
    *((state, P.HERE, W.ABSENT, Act.MISSING) for state in (S.STARTING, S.STOPPING, S.REBOOTING, S.MIGRATING)),
    # on another host than the record says
    (S.RUNNING, P.ELSEWHERE, W.ALIVE, Act.COMPARE),
    (S.UNKNOWN, P.ELSEWHERE, W.ALIVE, Act.COMPARE),
    (S.RUNNING, P.ELSEWHERE, W.DEFINED, Act.CLEAR),
    (S.RUNNING, P.ELSEWHERE, W.ABSENT, Act.KEEP),
    # recorded nowhere
    (S.STOPPED, P.NOWHERE, W.ALIVE, Act.RUNNING),
    (S.STOPPED, P.NOWHERE, W.DEFINED, Act.CLEAR),
    (S.STOPPED, P.NOWHERE, W.ABSENT, Act.KEEP),
    (S.UNKNOWN, P.NOWHERE, W.ALIVE, Act.RUNNING),
    (S.UNKNOWN, P.NOWHERE, W.DEFINED, Act.MISSING),
    (S.DESTROYED, P.NOWHERE, W.ALIVE, Act.CLEAR),
    (S.DESTROYED, P.NOWHERE, W.DEFINED, Act.CLEAR),
    (S.DESTROYED, P.NOWHERE, W.ABSENT, Act.KEEP),
]


@pytest.mark.parametrize(("state", "where", "what", "follows"), EXPECTED)
def test_what_follows(state: VmState, where: Placed, what: Shown, follows: Act) -> None:
    assert act(state, where, what) is follows


@pytest.mark.parametrize("state", LEFT_TO_HEALING)
def test_what_is_destroyed_again_is_left_alone(state: VmState) -> None:
    assert {act(state, where, what) for where in Placed for what in Shown} == {Act.KEEP}


@pytest.mark.parametrize(("rule", "follows"), RULES.items())
def test_whatever_follows_is_a_transition_of_the_chapter(rule: tuple[VmState, Placed, Shown], follows: Act) -> None:
    needed = {Act.RUNNING: VmEvent.RUNNING, Act.MISSING: VmEvent.STOPPED}.get(follows)
    assert needed is None or needed in TRANSITIONS[rule[0]]


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (DomainState.RUNNING, W.ALIVE),
        (DomainState.PAUSED, W.ALIVE),
        (DomainState.SHUTDOWN, W.ALIVE),
        (DomainState.SHUTOFF, W.DEFINED),
        (DomainState.CRASHED, W.DEFINED),
        (DomainState.ABSENT, W.ABSENT),
    ],
)
def test_an_answer_of_a_host_in_these_words(state: DomainState, word: Shown) -> None:
    assert shown(state) is word


@pytest.mark.parametrize(("vm_host", "where"), [("a", P.HERE), ("b", P.ELSEWHERE), (None, P.NOWHERE)])
def test_where_a_vm_is_seen_from_a_host(vm_host: str | None, where: Placed) -> None:
    assert placed(vm_host, "a") is where
