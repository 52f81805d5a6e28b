"""The command line: reading words, running commands, waiting for operations, printing JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.core.management import call_command

from console import cli
from console.cli import Accepted, Arguments, Command, Parameter, UnknownCommand, read_arguments
from console.errors import InvalidArgument
from console.inventory import Json
from console.models import Operation, Status, StepStatus
from console.waiting import current_step, wait
from tests.factories import make_host, make_operation, make_user, make_vm, make_zone
from vms.states import VmState

PARAMETERS = (
    Parameter("name", required=True),
    Parameter("uuids", many=True),
    Parameter("count", kind=int),
    Parameter("force", kind=bool),
    Parameter("size", size=True),
    Parameter("mode", choices=("A", "B")),
    Parameter("rules", kind=list),
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["name=a"], {"name": "a"}),
        (["name=a=b"], {"name": "a=b"}),
        (["name=a b"], {"name": "a b"}),
        (["name=a", "description="], {"name": "a", "description": ""}),
        (["name=a", "uuids=x, y,,z"], {"name": "a", "uuids": ["x", "y", "z"]}),
        (["name=a", "count=3", "force=True", "size=1.5G"], {"name": "a", "count": 3, "force": True, "size": 3 << 29}),
        (["name=a", "mode=B"], {"name": "a", "mode": "B"}),
        (["name=a", 'rules=[{"a": 1}]'], {"name": "a", "rules": [{"a": 1}]}),
    ],
)
def test_words_become_arguments(words: list[str], expected: dict[str, object]) -> None:
    assert read_arguments((*PARAMETERS, Parameter("description")), words) == expected


@pytest.mark.parametrize(
    ("words", "details"),
    [
        (["nam=a"], "There is no parameter nam; did you mean name? known are name= [uuids=,…] [count=]"),
        (["zzz=a"], "There is no parameter zzz; known are name="),
        (["name=a", "name=b"], "name is given twice"),
        ([], "name must be given; known are name="),
        (["name="], "name must be given"),
        (["name"], "'name' is not of the form parameter=value"),
        (["=a"], "'=a' is not of the form parameter=value"),
        (["name=a", "count=x"], "count must be a whole number; 'x' is not"),
        (["name=a", "force=maybe"], "force must be true or false; 'maybe' is not"),
        (["name=a", "size=big"], "size must be a size such as 512M; 'big' is not"),
        (["name=a", "rules={}"], "rules must be a list in JSON; '{}' is not"),
        (["name=a", "rules=["], "rules must be a list in JSON; '[' is not"),
        (["name=a", "mode=C"], "mode must be one of A, B; 'C' is not"),
    ],
)
def test_mistakes_are_named_with_what_is_known(words: list[str], details: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read_arguments(PARAMETERS, words)
    assert caught.value.details.startswith(details)


def test_an_unknown_command_names_the_nearest(command: Callable) -> None:
    command("DoSomething", lambda arguments: {})
    with pytest.raises(UnknownCommand, match="did you mean DoSomething"):
        cli.find("DoSomethin")


def test_case_of_a_commands_name_does_not_matter(command: Callable) -> None:
    command("DoSomething", lambda arguments: {})
    assert cli.find("dosomething").name == "DoSomething"


def test_two_commands_of_one_name_are_refused(command: Callable) -> None:
    command("DoSomething", lambda arguments: {})
    with pytest.raises(ValueError, match="two commands are called DoSomething"):
        command("DoSomething", lambda arguments: {"other": True})


# --- the whole command


@pytest.fixture
def command() -> Iterator[Callable]:
    """Registers commands for the time of a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "_commands", dict(cli._commands))

        def register(name: str, run: Callable[[Arguments], cli.Answer], *parameters: Parameter) -> None:
            cli.register(Command(name, "", parameters, run))

        yield register


class Run:
    """What one call printed, and how it ended."""

    def __init__(self, *words: str) -> None:
        out, err = StringIO(), StringIO()
        try:
            call_command("cli", *words, stdout=out, stderr=err)
            self.code = 0
        except SystemExit as end:
            self.code = int(str(end.code))
        self.out, self.err = out.getvalue(), err.getvalue()

    @property
    def json(self) -> Json:
        return json.loads(self.out)


@pytest.mark.django_db
def test_a_query_as_the_chapter_writes_it() -> None:
    vm = make_vm(state=VmState.RUNNING)
    make_vm(state=VmState.STOPPED)
    run = Run("QueryVmInstance", "state=Running", f"hostUuid={vm.host_id}")
    assert (run.code, [one["uuid"] for one in run.json["inventories"]]) == (0, [vm.uuid])


@pytest.mark.django_db
def test_a_query_has_its_window_as_parameters() -> None:
    for name in "bca":
        make_zone(name=name)
    words = ["sortBy=name", "sortDirection=desc", "start=1", "limit=1", "fields=name", "replyWithCount=true"]
    assert Run("QueryZone", *words).json == {"inventories": [{"name": "b"}], "total": 3}


@pytest.mark.django_db
def test_a_pattern_without_wildcards_means_contains() -> None:
    make_zone(name="the web zone")
    assert Run("QueryZone", "name~=web", "count=true").json == {"total": 1}


@pytest.mark.django_db
def test_a_value_with_spaces_needs_no_quotes_of_ours() -> None:
    make_zone(name="the web zone")
    assert Run("QueryZone", "name=the web zone", "count=true").json == {"total": 1}


@pytest.mark.parametrize(
    ("words", "code", "details"),
    [
        (["QueryVmInstance", "stat=Running"], "SYS.1007", "did you mean state?"),
        (["QueryVmInstance", "sortDirection=asc"], "SYS.1007", "sortDirection needs sortBy"),
        (["QueryVmInstance", "limit=x"], "SYS.1007", "limit must be a whole number"),
        (["QueryVmInstanc"], "SYS.1008", "did you mean QueryVmInstance"),
        (["UpdateGlobalConfig", "category=vm"], "SYS.1007", "name and value must be given"),
        (["UpdateGlobalConfig", "category=x", "name=y", "value=1"], "SYS.1003", "There is no global configuration"),
    ],
)
@pytest.mark.django_db
def test_a_refusal_is_json_and_exit_code_1(words: list[str], code: str, details: str) -> None:
    run = Run(*words)
    assert (run.code, run.json["error"]["code"]) == (1, code)
    assert details in run.json["error"]["details"]


@pytest.mark.django_db
def test_global_configurations_are_updated_queried_and_reset() -> None:
    words = ["category=host", "name=operation.parallelismDegree"]
    answers = [
        Run("UpdateGlobalConfig", *words, "value=7"),
        Run("QueryGlobalConfig", *words),
        Run("ResetGlobalConfig", *words),
    ]
    assert answers[0].json["inventory"]["value"] == "7"
    assert answers[1].json["inventories"][0]["value"] == "7"
    assert answers[2].json["inventory"] == {
        "category": "host",
        "name": "operation.parallelismDegree",
        "value": "2",
        "defaultValue": "2",
        "description": answers[2].json["inventory"]["description"],
    }


@pytest.mark.parametrize("words", [[], ["help"], ["--help"]])
def test_help_lists_the_commands_with_their_parameters(words: list[str]) -> None:
    out = Run(*words).out if words != ["--help"] else Run("QueryZone", "--help").out
    assert "QueryZone [FIELD=VALUE …] [start=]" in out


def test_help_of_an_unknown_command_names_the_nearest() -> None:
    run = Run("help", "QueryZon")
    assert (run.code, run.json["error"]["code"]) == (1, "SYS.1008")


def test_help_of_one_command_is_of_it_alone() -> None:
    out = Run("help", "UpdateGlobalConfig").out
    assert out.startswith("UpdateGlobalConfig category= name= value=")
    assert "QueryZone" not in out


@pytest.mark.django_db
def test_the_acting_user_reaches_the_command(command: Callable) -> None:
    make_user("ada")
    command("Whoami", lambda arguments: {"inventory": {"name": str(arguments.user)}})
    assert Run("--user", "ada", "Whoami").json == {"inventory": {"name": "ada"}}


@pytest.mark.django_db
def test_an_unknown_user_is_refused(command: Callable) -> None:
    command("Whoami", lambda arguments: {})
    assert Run("--user", "grace", "Whoami").json["error"]["code"] == "SYS.1003"


def test_what_nobody_foresaw_is_json_too_and_logged(command: Callable, caplog: pytest.LogCaptureFixture) -> None:
    def fail(arguments: Arguments) -> Json:
        raise RuntimeError("the disk is on fire")

    command("Fail", fail)
    run = Run("Fail")
    assert (run.code, run.json["error"]["code"]) == (1, "SYS.1000")
    assert "the disk is on fire" in caplog.text


# --- operations


def ended(status: Status, error: Json | None = None) -> Operation:
    return make_operation(status=status, error=error)


@pytest.mark.django_db
def test_the_answer_is_the_inventory_when_the_operation_has_ended(command: Callable) -> None:
    host, operation = make_host(), ended(Status.SUCCEEDED)
    command("Make", lambda arguments: Accepted(operation, "Host", host.uuid))
    run = Run("Make")
    assert (run.code, run.json["inventory"]["uuid"], list(run.json)) == (0, host.uuid, ["inventory"])


@pytest.mark.django_db
def test_a_resource_that_the_operation_removed_leaves_an_empty_answer(command: Callable) -> None:
    operation = ended(Status.SUCCEEDED)
    command("Make", lambda arguments: Accepted(operation, "Host", "0" * 32))
    run = Run("Make")
    assert (run.code, run.json) == (0, {})


@pytest.mark.parametrize("words", [["Make", "--no-wait"], ["--no-wait", "Make"]])
@pytest.mark.django_db
def test_who_does_not_wait_gets_the_operation(command: Callable, words: list[str]) -> None:
    host, operation = make_host(), make_operation()
    command("Make", lambda arguments: Accepted(operation, "Host", host.uuid))
    run = Run(*words)
    assert (run.json["inventory"]["uuid"], run.json["operationUuid"]) == (host.uuid, operation.uuid)


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
@pytest.mark.django_db
def test_the_error_of_the_operation_is_the_answer(command: Callable, status: Status) -> None:
    operation = ended(status, {"code": "VM.1000", "description": "No.", "details": "why", "step": "define"})
    command("Make", lambda arguments: Accepted(operation, "Host", "0" * 32))
    run = Run("Make")
    assert (run.code, run.json) == (
        1,
        {
            "error": {
                "code": "VM.1000",
                "description": "No.",
                "details": "why",
                "step": "define",
                "operationUuid": operation.uuid,
            }
        },
    )


@pytest.mark.django_db
def test_an_interrupt_ends_the_waiting_and_not_the_operation(
    command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, operation = make_host(), make_operation()

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("console.waiting.time.sleep", interrupted)
    command("Make", lambda arguments: Accepted(operation, "Host", host.uuid))
    run = Run("Make")
    assert (run.code, run.json["operationUuid"]) == (1, operation.uuid)
    assert f"operation {operation.uuid} goes on" in run.err
    assert operation.reload().is_open


@pytest.mark.django_db
def test_waiting_ends_with_the_operation(command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    host, operation = make_host(), make_operation()
    looks: list[float] = []

    def end_at_the_third_look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            Operation.objects.filter(pk=operation.pk).update(status=Status.SUCCEEDED)

    monkeypatch.setattr("console.waiting.time.sleep", end_at_the_third_look)
    command("Make", lambda arguments: Accepted(operation, "Host", host.uuid))
    assert (Run("Make").code, len(looks)) == (0, 3)


@pytest.mark.django_db
def test_an_operation_that_no_worker_takes_is_told_once(command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    host, operation = make_host(), make_operation()
    looks: list[float] = []

    def end_at_the_fourth_look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 4:
            Operation.objects.filter(pk=operation.pk).update(status=Status.SUCCEEDED)

    monkeypatch.setattr("console.waiting.UNTAKEN_SECONDS", -1.0)
    monkeypatch.setattr("console.waiting.time.sleep", end_at_the_fourth_look)
    command("Make", lambda arguments: Accepted(operation, "Host", host.uuid))
    assert Run("Make").err.count("No worker has taken the operation") == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": StepStatus.PENDING}, ""),
        ({"status": StepStatus.RUNNING}, "Second"),
        ({"status": StepStatus.RUNNING, "done": 1, "total": 3}, "Second (33 %)"),
        ({"status": StepStatus.UNDOING}, "undoing: Second"),
    ],
)
@pytest.mark.django_db
def test_progress_is_the_step_in_work(values: dict[str, object], words: str) -> None:
    operation = make_operation()
    operation.steps.filter(name="second").update(**values)
    assert current_step(operation) == words


@pytest.mark.django_db
def test_every_step_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = make_operation(status=Status.RUNNING)
    looks = iter(["first", "first", "second", ""])

    def go_on(seconds: float) -> None:
        begun = next(looks)
        operation.steps.update(status=StepStatus.DONE)
        operation.steps.filter(name=begun).update(status=StepStatus.RUNNING)
        if not begun:
            Operation.objects.filter(pk=operation.pk).update(status=Status.SUCCEEDED)

    monkeypatch.setattr("console.waiting.time.sleep", go_on)
    told: list[str] = []
    wait(operation, told.append, told.append)
    assert told == ["First", "Second"]


@pytest.mark.django_db
def test_a_failure_without_a_record_says_how_the_operation_ended(command: Callable) -> None:
    operation = ended(Status.FAILED)
    command("Make", lambda arguments: Accepted(operation, "Host", "0" * 32))
    assert Run("Make").json["error"]["details"] == f"{operation.title}: Failed"


@pytest.mark.django_db
def test_an_operation_can_be_cancelled_from_the_command_line() -> None:
    operation = make_operation()
    cli.find("CancelOperation").execute([f"uuid={operation.pk}"])
    assert operation.reload().cancel_requested is not None


def test_a_reader_that_has_enough_ends_it_quietly(pytestconfig: pytest.Config) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "manage.py", "cli", "help"], cwd=pytestconfig.rootpath, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert ended.stderr == b""
