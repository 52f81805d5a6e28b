"""Going through the create wizard with Django's test client."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.support.datacenter import Datacenter

ADDRESS = "/vms/create/{}/"
STEPS = ("basics", "image", "networks", "disks", "placement", "review")


class Walk:
    """One person's way through the wizard over the datacenter `dc`; every answer can be given by name."""

    def __init__(self, client: Client, dc: Datacenter) -> None:
        self.client, self.dc = client, dc

    def answers(self, step: str) -> dict[str, Any]:
        """What fits, unless a test says otherwise."""
        dc = self.dc
        return {
            "basics": {"name": "web", "count": "1", "hostname": "web", "description": ""},
            "image": {"image": dc.uuid("image", "tiny-linux"), "offering": dc.uuid("offering", "tiny")},
            "networks": {"l3": [dc.uuid("l3", "web"), dc.uuid("l3", "database")], "default": dc.uuid("l3", "web")},
            "disks": {},
            "placement": {"kind": "auto"},
        }[step]

    def get(self, step: str, **options: Any) -> HttpResponse:
        return self.client.get(ADDRESS.format(step), **options)

    def post(self, step: str, **changes: Any) -> HttpResponse:
        return self.client.post(ADDRESS.format(step), self.answers(step) | changes)

    def to(self, step: str, **changes: dict[str, Any]) -> "Walk":
        """Answer every step before this one; `changes` by the name of the step."""
        for name in STEPS[: STEPS.index(step)]:
            response = self.post(name, **changes.get(name, {}))
            assert response.status_code == 302, (name, errors(response))
        return self

    def form(self) -> dict[str, str]:
        """What the review's form would send."""
        context: Any = self.get("review").context
        return {"key": context["wizard"].draft.key, "seen": context["seen"]}

    def submit(self, form: dict[str, str] | None = None) -> HttpResponse:
        return self.client.post(ADDRESS.format("review"), self.form() if form is None else form)


def errors(response: HttpResponse) -> dict[str, list[str]]:
    """Field -> messages of a page that was not accepted."""
    context: Any = response.context
    return {name: list(found) for name, found in context["form"].errors.items()} if context else {}


def flashes(response: Any) -> list[str]:
    """What the next page says above its content."""
    return [str(message) for message in response.context["messages"]]
