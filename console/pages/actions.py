"""Actions that many resources share."""

from collections.abc import Callable
from typing import Any

from django.http import QueryDict

from console.models import Enablement, Operation
from console.pages.kit import Action, Done, Person


def state_actions(change: Callable[..., Any], noun: str, meaning: str) -> tuple[Action, Action]:
    """Enable and disable by a service `change(uuid=, event=)`; `meaning` says what a disabled one means."""

    def run(event: str, word: str) -> Callable[[Any, QueryDict, Person], Done]:
        def work(row: Any, posted: QueryDict, user: Person) -> Done:
            change(uuid=row.pk, event=event)
            return Done(f"{noun} {row} is {word}." + (f" {meaning}" if event == "disable" else ""))

        return work

    return (
        Action(
            name="enable",
            label="Enable",
            icon="circle-play",
            run=run("enable", "enabled"),
            shown=lambda row: row.state == Enablement.DISABLED,
        ),
        Action(
            name="disable",
            label="Disable",
            icon="ban",
            run=run("disable", "disabled"),
            shown=lambda row: row.state == Enablement.ENABLED,
            hint=meaning,
        ),
    )


def link_action(
    name: str, change: Callable[..., list[Operation] | None], own: str, other: str, sentence: str, verb: Any = "change"
) -> Action:
    """Tie the row to another one, whose uuid is posted as `uuid`, by a service with the two uuids under `own` and
    `other`; `sentence` has a place for the row."""

    def work(row: Any, posted: QueryDict, user: Person) -> Done:
        operations = change(**{own: row.pk, other: posted.get("uuid", "")}, user=user)
        return Done(sentence.format(row), operations or ())

    return Action(name=name, label=name, icon="link", run=work, shown=lambda row: False, verb=verb)
