"""The table of actions: what is offered, when a button can be pressed, and what it says when it cannot."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from console.errors import NotFound, WrongState
from console.operations import flow
from console.operations.flow import Flow, Step
from console.textual import lacking
from tests.support.pages import text_of, visitor
from tests.support.showcase import Showcase, subject
from vms import actions
from vms.actions import ACTIONS, buttons
from vms.states import VmOperation, VmState


def why_not(name: str, state: VmState, **options: object) -> str:
    (action,) = (action for action in ACTIONS if action.name == name)
    (button,) = buttons([action], state, **options)
    return button.why_not


def test_a_button_that_can_be_pressed_says_nothing() -> None:
    assert why_not("reboot", VmState.RUNNING) == ""


def test_the_state_speaks_where_it_forbids() -> None:
    assert why_not("reboot", VmState.STOPPED) == "The VM is Stopped; it can be rebooted only while it is Running."


def test_an_operation_at_work_speaks_before_the_state() -> None:
    assert why_not("start", VmState.STARTING, holder="Create VM web") == "“Create VM web” is working on it."


def test_a_missing_permission_speaks_first() -> None:
    assert why_not("stop", VmState.STOPPED, may=lambda name: False) == lacking("vms.change_vminstance")


def test_every_action_is_one_of_the_operations_of_a_vm() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    assert {action.operation.value for action in ACTIONS} <= {operation.value for operation in VmOperation}


def test_a_danger_asks_first() -> None:
    assert all(action.asks for action in ACTIONS if action.danger)


def test_what_is_already_so_cannot_be_asked_for() -> None:
    assert why_not("stop", VmState.STOPPED) == "The VM is already stopped."


def test_an_action_without_a_flow_is_not_offered() -> None:
    assert actions.offered(()) == ()


def test_nobody_accepts_an_action_that_is_not_in_the_table() -> None:
    with pytest.raises(ValueError, match="levitate"):
        actions.accepts("levitate")


def test_every_accepted_action_has_its_flow() -> None:
    assert {action.name for action in actions.offered(flow.kinds())} == set(actions.accepting())


# pages ----------------------------------------------------------------------------------------------------


class Nothing(Step):
    """A step that does nothing."""

    name = label = "nothing"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A table of actions in which "reboot" and "destroy" are accepted; what was asked for."""
    found: list[tuple[str, str]] = []

    def accept(wish: actions.Wish) -> None:
        found.append((wish.uuid, str(wish.key)))
        if str(wish.key).startswith("gone"):
            raise NotFound("There is no VM", field="uuid")
        if str(wish.key).startswith("refused"):
            raise WrongState("The VM is Stopped")

    monkeypatch.setattr(actions, "_accepts", {"reboot": accept, "destroy": accept})
    kinds = {kind: flow.get(kind) for kind in flow.kinds()}
    test_flows = {kind: Flow(kind, kind, (Nothing(),)) for kind in ("vm.reboot", "vm.destroy")}
    monkeypatch.setattr(flow, "_flows", kinds | test_flows)
    return found


@pytest.fixture
def client(db: None) -> Client:
    return visitor(is_superuser=True)


@pytest.fixture
def show(db: None) -> Showcase:
    return Showcase()


def test_the_page_offers_what_exists(client: Client, show: Showcase, asked: list[tuple[str, str]]) -> None:
    vm = show.vm("web", show.host("node-1"))
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    assert f'href="{reverse("vms:act", args=[vm.uuid, "reboot"])}"' in body
    assert "/migrate/" not in body


def test_a_button_that_cannot_be_pressed_says_why(client: Client, show: Showcase, asked: list[tuple[str, str]]) -> None:
    vm = show.vm("web", show.host("node-1"), "Stopped")
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    assert 'title="The VM is Stopped; it can be rebooted only while it is Running."' in body


def test_an_operation_at_work_holds_the_buttons(client: Client, show: Showcase, asked: list[tuple[str, str]]) -> None:
    vm = show.vm("web", show.host("node-1"))
    show.operation("Attach volume to web", subject(vm), 1)
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    assert '<p class="why-off dim">“Attach volume to web” is working on it.</p>' in body


def test_a_press_is_accepted_and_leads_back(client: Client, show: Showcase, asked: list[tuple[str, str]]) -> None:
    vm = show.vm("web", show.host("node-1"))
    response = client.post(f"/vms/{vm.uuid}/reboot/", {"key": "k1"})
    assert (response["Location"], asked) == (f"/vms/{vm.uuid}/", [(vm.uuid, f"k1.reboot.{vm.uuid}")])


def test_a_refusal_asks_again_and_says_why(client: Client, show: Showcase, asked: list[tuple[str, str]]) -> None:
    vm = show.vm("web", show.host("node-1"))
    response = client.post(f"/vms/{vm.uuid}/reboot/", {"key": "refused"})
    assert response.status_code == 409
    assert '<p class="gist">The VM is Stopped</p>' in text_of(response)


@pytest.mark.parametrize(("name", "key"), [("migrate", "k"), ("levitate", "k"), ("reboot", "gone")])
def test_what_does_not_exist_is_not_found(
    client: Client, show: Showcase, asked: list[tuple[str, str]], name: str, key: str
) -> None:
    vm = show.vm("web", show.host("node-1"))
    assert client.post(f"/vms/{vm.uuid}/{name}/", {"key": key}).status_code == 404


def test_an_action_needs_its_permission(show: Showcase, asked: list[tuple[str, str]]) -> None:
    vm = show.vm("web", show.host("node-1"))
    assert visitor("berta", is_staff=True).post(f"/vms/{vm.uuid}/destroy/").status_code == 403
    assert asked == []


def test_asking_does_nothing(client: Client, show: Showcase, asked: list[tuple[str, str]]) -> None:
    vm = show.vm("web", show.host("node-1"))
    assert client.get(f"/vms/{vm.uuid}/reboot/").status_code == 200
    assert asked == []


def test_the_name_of_an_action_can_stand_in_an_address() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", action.name) for action in ACTIONS)
