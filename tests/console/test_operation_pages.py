"""Pages of operations."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.models import Operation
from tests.support.pages import HTMX, query_count, text_of, visitor
from tests.support.showcase import GIB, Showcase, report, subject

pytestmark = pytest.mark.django_db

FIGURES = {"resource": "memory", "needed": 4 * GIB, "available": GIB}
ERROR = {
    "code": "SYS.1006",
    "description": "A step of an operation failed.",
    "details": "No space left on shared-1",
    "step": "root-volume",
    "stepLabel": "Make the root volume",
}


@pytest.fixture
def client() -> Client:
    return visitor()


@pytest.fixture
def show() -> Showcase:
    return Showcase()


def test_a_running_operation_shows_the_step_it_is_at_and_how_far(client: Client, show: Showcase) -> None:
    uploading = {"status": "Running", "done": 30, "total": 100, "note": "300 MiB sent"}
    operation = show.operation("Create VM a", ("VmInstance", "0" * 32, "a"), 1, steps={"cache-image": uploading})
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    assert 'value="30"' in body
    assert "300 MiB sent" in body
    assert "every 1s" in body


def test_a_cancel_is_not_told_as_a_failure(client: Client, show: Showcase) -> None:
    error = ERROR | {"cancelled": True, "details": "Cancelled on request", "left": "Host one is Enabled, as before."}
    stopped = {"root-volume": {"status": "Undone", "error": "Cancelled on request"}}
    operation = show.operation(
        "Create VM a", ("VmInstance", "0" * 32, "a"), 0, status="Cancelled", undoing=True, error=error, steps=stopped
    )
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    assert ("Stopped, then undone" in body, "Host one is Enabled, as before." in body) == (True, True)
    assert ("Failed" in body, "SYS.1006" in body, "step-error" in body) == (False, False, False)


def test_one_that_goes_back_on_request_is_being_cancelled(client: Client, show: Showcase) -> None:
    error = ERROR | {"cancelled": True, "details": "Cancelled on request"}
    operation = show.operation(
        "Create VM a", ("VmInstance", "0" * 32, "a"), 1, status="Undoing", undoing=True, error=error
    )
    assert all("Cancelling" in text_of(client.get(page)) for page in (f"/operations/{operation.uuid}/", "/operations/"))


@pytest.mark.parametrize(
    ("via", "asker", "value"), [("", "Corral", "~system"), ("Command line", "Command line", "~cli")]
)
def test_what_no_account_asked_for_names_what_did(
    client: Client, show: Showcase, via: str, asker: str, value: str
) -> None:
    """By one word in the list, in its filter and on its page."""
    operation = show.operation("Create VM a", ("VmInstance", "0" * 32, "a"), via=via)
    listed = client.get("/operations/")
    who = next(choice for choice in listed.context["choices"] if choice["label"] == "Who")
    assert who["options"] == [(value, asker, 1)]
    assert f'<span class="dim">{asker}</span>' in text_of(listed)
    assert f'<a href="/operations/?who={value}">{asker}</a>' in text_of(client.get(f"/operations/{operation.uuid}/"))
    assert [one.pk for one in client.get(f"/operations/?who={value}").context["page"]] == [operation.pk]


def test_only_lost_workers_are_told(client: Client, show: Showcase) -> None:
    """A worker that was given back while others were waited for has died of nothing."""
    operation = show.operation("Create VM a", ("VmInstance", "0" * 32, "a"), token=3)
    assert " lost;" not in text_of(client.get(f"/operations/{operation.uuid}/"))
    Operation.objects.filter(pk=operation.pk).update(losses=1)
    assert "1 worker before it was lost;" in text_of(client.get(f"/operations/{operation.uuid}/"))


def test_an_ended_operation_is_not_polled(client: Client, show: Showcase) -> None:
    operation = show.operation("Create VM a", ("VmInstance", "0" * 32, "a"))
    assert client.get(f"/operations/{operation.uuid}/", headers=HTMX).status_code == 286


def test_a_failure_tells_what_where_and_what_next(client: Client, show: Showcase) -> None:
    failed = {"root-volume": {"status": "Undone", "error": "No space left"}}
    operation = show.operation(
        "Create VM a", ("VmInstance", "0" * 32, "a"), 0, status="Failed", undoing=True, error=ERROR, steps=failed
    )
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    for part in ("No space left on shared-1", "SYS.1006", "Make the root volume", "nothing is left behind"):
        assert part in body
    assert "Failed, then undone" in body


def test_one_trouble_is_told_once_and_leads_to_all_it_is_about(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    rows = [{"type": "VmInstanceVO", "uuid": vm.pk, "name": "web-1"}]
    reasons = [{"who": "1 VM", "why": "No room", "rows": rows, "more": 0}]
    error = ERROR | {"details": "They stay. web-1: No room", "gist": "They stay.", "reasons": reasons}
    failed = {"root-volume": {"status": "Undone", "error": "They stay. web-1: No room\nUndo: it hangs"}}
    operation = show.operation("Empty it", ("", "", ""), 0, status="Failed", undoing=True, error=error, steps=failed)
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    assert body.count("No room") == 1
    assert f'<a href="/vms/{vm.pk}/">web-1</a>' in body
    assert '<div class="step-error">Undo: it hangs</div>' in body


def test_arguments_are_told_in_words(client: Client, show: Showcase) -> None:
    # In the order in which both databases give back the names of an object.
    asked = {
        "was": "Enabled", "options": {"hostUuid": None, "deleteMode": "Permissive"}, "force": False,
        "disks": [{"ssd": True, "device_id": 1}, {"device_id": 2}],
    }  # fmt: skip
    operation = show.operation("Stop VM a", ("", "", ""), arguments=asked)
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    for name, value in (
        ("State before", "Enabled"),
        ("Options", "Host uuid: –, Delete mode: Permissive"),
        ("Force", "no"),
        ("Disks", "Ssd: yes, Device id: 1; Device id: 2"),
    ):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in body


def test_a_part_says_of_what_except_where_all_are_of_it(client: Client, show: Showcase) -> None:
    whole = show.operation("Stop 3 VMs", ("", "", ""), kind="vm.bulk")
    show.operation("Stop VM a", ("VmInstance", "a" * 32, "a"), parent=whole)
    told = f'part of <a class="among" href="/operations/{whole.pk}/">Stop 3 VMs</a>'
    assert told in text_of(client.get("/operations/"))
    assert told not in text_of(client.get(f"/operations/?parent={whole.pk}"))


def test_a_larger_one_that_failed_does_not_claim_that_nothing_is_left(client: Client, show: Showcase) -> None:
    operation = show.operation(
        "Stop 2 VMs", ("", "", ""), 0, kind="vm.bulk", status="Failed", undoing=True, error=ERROR
    )  # fmt: skip
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    assert "Parts that succeeded stay done" in body
    assert "nothing is left behind" not in body


def test_the_report_names_every_host_with_verdict_reason_and_numbers(client: Client, show: Showcase) -> None:
    good, full = show.host("node-1"), show.host("node-2")
    verdict = report(good, full, refused={"node-2": ("memory", "node-2 lacks memory", FIGURES)})
    operation = show.operation("Create VM a", ("VmInstance", "0" * 32, "a"), lane=good.uuid, report=verdict)
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    for part in ("Chosen", "Ruled out", "Lacks memory", "4 GiB", "1 GiB", "1 of 2 hosts could run it", "Any host"):
        assert part in body


def test_a_report_on_many_hosts_begins_with_the_chosen_one_and_shows_all_when_asked(
    client: Client, show: Showcase
) -> None:
    verdict = report(show.host("node-1"), show.host("node-2"), refused={})
    one, last = verdict["hosts"]
    verdict["hosts"] = [one | {"host_name": f"other-{number}"} for number in range(150)] + [last]
    operation = show.operation("Create VM a", ("", "", ""), lane=last["host_uuid"], report=verdict)
    path = f"/operations/{operation.uuid}/"
    short = text_of(client.get(path))
    assert "node-2" in short
    assert "100 of 151 hosts" in short
    assert "other-149" not in short
    assert "other-149" in text_of(client.get(f"{path}?placement=all"))


def test_an_eligible_host_shows_what_it_had_and_what_the_vm_leaves(client: Client, show: Showcase) -> None:
    verdict = report(show.host("node-1"), refused={})
    operation = show.operation("Create VM a", ("VmInstance", "0" * 32, "a"), report=verdict)
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    for part in ("64 GiB", "63 GiB", "160", "159"):
        assert part in body


def test_a_report_of_an_earlier_version_still_shows(client: Client, show: Showcase) -> None:
    verdict = report(show.host("node-1"), refused={})
    del verdict["hosts"][0]["room"]
    operation = show.operation("Create VM a", ("VmInstance", "0" * 32, "a"), report=verdict)
    assert "Passes every rule" in text_of(client.get(f"/operations/{operation.uuid}/"))


def test_texts_of_others_are_escaped(client: Client, show: Showcase) -> None:
    operation = show.operation("Create VM <b>x</b>", ("VmInstance", "0" * 32, "<b>x</b>"))
    assert "<b>x</b>" not in text_of(client.get(f"/operations/{operation.uuid}/"))


def test_an_unknown_operation_is_not_found(client: Client) -> None:
    assert client.get(f"/operations/{'0' * 32}/").status_code == 404


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("q=mail", {"Create VM mail"}),
        ("status=Failed", {"Create VM web"}),
        ("status=Failed&status=Running", {"Create VM web", "Create VM db"}),
        (f"subject={'1' * 32}", {"Create VM mail"}),
        ("q=nothing", set()),
        ("kind=vm.stop", set()),
        ("subject=WEB", {"Create VM web"}),
        ("who=anna", {"Create VM db"}),
        ("who=~system", {"Create VM mail", "Create VM web"}),
        ("recent=hour", {"Create VM web", "Create VM db"}),
        ("recent=week", {"Create VM mail", "Create VM web", "Create VM db"}),
        ("since=2026-01-01T00:00&until=2026-01-02", set()),
        ("level=top", {"Create VM mail", "Create VM web"}),
        ("level=parts", {"Create VM db"}),
    ],
)
def test_the_list_shows_what_the_address_asks_for(client: Client, show: Showcase, query: str, titles: set[str]) -> None:
    earlier = timezone.now() - timedelta(days=2)
    anna = get_user_model().objects.get(username="anna")
    show.operation("Create VM mail", ("VmInstance", "1" * 32, "mail"), started=earlier)
    web = show.operation("Create VM web", ("VmInstance", "2" * 32, "web"), 0, status="Failed", undoing=True)
    show.operation("Create VM db", ("VmInstance", "3" * 32, "db"), 1, created_by=anna, parent=web)
    response = client.get(f"/operations/?{query}")
    assert {operation.title for operation in response.context["page"]} == titles


def test_the_list_costs_the_same_however_long_it_is(client: Client, show: Showcase) -> None:
    vm = show.vm("a", show.host("node-1"))
    show.operation("Create VM a", subject(vm), 1)
    few = query_count(client, "/operations/")
    for number in range(12):
        show.operation(f"Create VM {number}", subject(vm), number % 6)
    assert query_count(client, "/operations/") == few == 12


@pytest.mark.parametrize("path", ["/operations/", f"/operations/{'0' * 32}/"])
def test_pages_cannot_be_written_to(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_a_kind_is_chosen_by_its_flows_label(client: Client, show: Showcase) -> None:
    show.operation("Create VM a", ("VmInstance", "0" * 32, "a"))
    body = text_of(client.get("/operations/?kind=vm.create"))
    assert '<option value="vm.create" selected>Create VM (1)</option>' in body


def test_the_list_about_one_resource_names_it_and_lets_it_go(client: Client, show: Showcase) -> None:
    show.operation("Create VM a", ("VmInstance", "0" * 32, "a"))
    response = client.get(f"/operations/?subject={'0' * 12}4{'0' * 3}8{'0' * 15}&status=Failed")
    assert response.context["scopes"][0]["url"] == "?status=Failed"


@pytest.mark.parametrize("since", ["soon", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_a_filter_that_cannot_be_read_says_so_and_finds_nothing(client: Client, show: Showcase, since: str) -> None:
    show.operation("Create VM a", ("VmInstance", "0" * 32, "a"))
    response = client.get(f"/operations/?since={since}")
    assert list(response.context["page"]) == []
    assert "From: Enter a valid date/time." in text_of(response)


def test_no_list_loads_what_can_be_megabytes_a_row(client: Client, show: Showcase) -> None:
    vm = show.vm("a", show.host("node-1"))
    show.operation("Create VM a", subject(vm), parent=show.operation("Create two", ("", "", "")))
    pages = ("/operations/", "/", f"/vms/{vm.uuid}/", f"/hosts/{vm.host_id}/", "/api/v1/operations/")
    with CaptureQueriesContext(connection) as queries:
        answers = [client.get(path).status_code for path in pages]
    loaded = [query["sql"] for query in queries if '"console_operation"."report",' in query["sql"]]
    assert (answers, loaded) == ([200] * len(pages), [])


def test_an_operation_that_waits_for_its_host_says_behind_what(client: Client, show: Showcase) -> None:
    lane = show.host("node-1").uuid
    for number in range(2):
        show.operation(f"Create VM busy-{number}", ("VmInstance", str(number) * 32, "busy"), 1, lane=lane)
    first, second = (
        show.operation(f"Create VM {name}", ("VmInstance", name * 32, name), 0, lane=lane, status="Pending")
        for name in "ab"
    )
    for operation, age in ((first, 5), (second, 1)):
        asked = timezone.now() - timedelta(seconds=age)
        Operation.objects.filter(pk=operation.pk).update(started=None, create_date=asked)
    body = text_of(client.get(f"/operations/{second.uuid}/"))
    for part in ("number 2 in line", "2 of 2 places", "Create VM busy-0", "Create VM busy-1"):
        assert part in body
    assert "number 1 in line" in text_of(client.get(f"/operations/{first.uuid}/"))


def test_every_step_that_began_has_its_bar(client: Client, show: Showcase) -> None:
    operation = show.operation("Create VM a", ("VmInstance", "0" * 32, "a"))
    body = text_of(client.get(f"/operations/{operation.uuid}/"))
    assert body.count('<rect class="run"') == operation.steps.count()
    assert "style=" not in body


def test_a_larger_operation_sums_up_its_parts_and_shows_those_of_one_outcome(client: Client, show: Showcase) -> None:
    refused = {"f" * 32: {"name": "f", "outcome": "refused", "why": "It is Paused."}}
    whole = show.operation("Stop 3 VMs", ("", "", ""), kind="vm.bulk", data={"results": refused})
    for name, status in (("a", "Succeeded"), ("b", "Failed")):
        show.operation(f"Stop VM {name}", ("VmInstance", name * 32, name), parent=whole, status=status)
    path = f"/operations/{whole.uuid}/"
    body = text_of(client.get(path))
    for part in (
        "?outcome=succeeded",
        "?outcome=failed",
        "?outcome=refused",
        "Stop VM a",
        "Stop VM b",
        "It is Paused.",
    ):
        assert part in body
    failed = text_of(client.get(f"{path}?outcome=failed"))
    assert "Stop VM b" in failed
    assert "Stop VM a" not in failed
    assert "It is Paused." not in failed


def test_the_page_of_a_large_one_costs_the_same(client: Client, show: Showcase) -> None:
    whole = show.operation("Stop VMs", ("", "", ""), kind="vm.bulk")
    show.operation("Stop VM a", ("VmInstance", "a" * 32, "a"), parent=whole)
    few = query_count(client, f"/operations/{whole.uuid}/")
    for number in range(10):
        show.operation(f"Stop VM {number}", ("VmInstance", f"{number:032}", str(number)), parent=whole)
    assert query_count(client, f"/operations/{whole.uuid}/") == few == 10


def test_rows_offer_cancel_and_retry_to_those_who_may(show: Showcase) -> None:
    running = show.operation("Create VM a", ("VmInstance", "a" * 32, "a"), 1)
    failed = show.operation("Create VM b", ("VmInstance", "b" * 32, "b"), 0, status="Failed", undoing=True)
    show.operation("Create VM c", ("VmInstance", "c" * 32, "c"))
    boss = visitor("boss", is_superuser=True).get("/operations/")
    assert boss.context["answers"] == {running.uuid: "cancel", failed.uuid: "retry"}
    assert visitor("guest").get("/operations/").context["answers"] == {}


@pytest.mark.parametrize("back", ["x", "a\0b", "//elsewhere/", ""])
def test_whatever_page_a_cancel_says_it_came_from_it_leads_to_the_operation(show: Showcase, back: str) -> None:
    moving = show.operation("Create VM a", ("VmInstance", "a" * 32, "a"), 1)
    answer = visitor("boss", is_superuser=True).post(f"/operations/{moving.uuid}/cancel/", {"next": back})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/operations/{moving.uuid}/")
    assert Operation.objects.get(pk=moving.pk).cancel_requested is not None


def test_cancelling_is_asked_for_on_the_page_that_a_row_leads_to(show: Showcase) -> None:
    boss = visitor("boss", is_superuser=True)
    moving = show.operation("Migrate VM a", ("VmInstance", "a" * 32, "a"), 1, kind="vm.migrate")
    body = text_of(boss.get(f"/operations/{moving.uuid}/?ask=cancel"))
    assert f'id="cancel-{moving.uuid}" open' in body
    assert "The guest goes on running on the host where it is now" in body


def test_what_cannot_be_tried_again_says_why(show: Showcase) -> None:
    boss = visitor("boss", is_superuser=True)
    failed = show.operation("Add image", ("Image", "a" * 32, "a"), 0, kind="image.add", status="Failed", undoing=True)
    assert "cannot be repeated from here" in text_of(boss.get(f"/operations/{failed.uuid}/"))


def test_a_transfer_tells_speed_and_end(client: Client, show: Showcase) -> None:
    now = timezone.now().timestamp()
    samples = [(now - 10, 0, 3 * GIB), (now, GIB, 3 * GIB)]
    moving = {"status": "Running", "done": GIB, "total": 3 * GIB, "samples": samples}
    operation = show.operation("Migrate VM a", ("VmInstance", "0" * 32, "a"), 1, steps={"cache-image": moving})
    for path in ("/operations/", f"/operations/{operation.uuid}/"):
        assert "33 % · 1 GiB of 3 GiB · 102.4 MiB/s · about 20 s left" in text_of(client.get(path))
