"""A question that is answered by choosing one of several things: as a page, or as a dialog over one."""

from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from console.errors import Refusal
from console.htmx import wants_fragment
from console.models import Operation
from console.naming import new_uuid
from console.pages.cells import address, linked
from console.pages.kit import Pages
from vms.action_views import named_holder
from vms.attaching import Choices
from vms.models import VmInstance


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked about a row of `pages`. `choices` is None where `problem` says why nothing can be chosen; `what`
    are the things to choose from, in the plural, `parameter` the one that is then posted. What is attached is `tied` to
    a VM; `detach` is where it lets go of that, if it may, which is asked about first where `detach_asks`.
    """

    pages: Pages
    row: object
    title: str
    note: str
    about: str
    parameter: str
    what: str
    empty: str
    button: str = "Attach"
    choices: Choices | None = None
    problem: str = ""
    holder: Operation | None = None
    tied: VmInstance | None = None
    detach: str = ""
    detach_asks: bool = False

    @property
    def plural(self) -> str:
        return self.pages.title

    @property
    def list_view(self) -> str:
        return self.pages.view("list")

    @property
    def crumbs(self) -> list[str]:
        return [linked(parent) for parent in self.pages.crumbs(self.row)]

    @property
    def name(self) -> str:
        return str(self.row)

    @property
    def back(self) -> str:
        return address(self.row)


def ask(request: HttpRequest, question: Question, refusal: Refusal | None = None) -> HttpResponse:
    """The question; after a refusal once more, with the reason and what was chosen."""
    given = request.POST or request.GET
    dialog = wants_fragment(request)
    context = {
        "question": question,
        "refused": (refusal.details or refusal.description) if refusal else question.problem,
        "holder": named_holder(refusal) or question.holder,
        "chosen": given.get(question.parameter, ""),
        "query": given.get("q", ""),
        "key": new_uuid(),
        "dialog": dialog,
    }
    template = "vms/choose/_choose.html" if dialog else "vms/choose/choose.html"
    # htmx swaps in only what succeeded.
    status = HTTPStatus.CONFLICT if refusal and not dialog else HTTPStatus.OK
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
