"""Which NIC an EIP or a rule leads to, or which joins a security group: GET asks, POST does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.errors import InvalidArgument, Refusal
from console.htmx import wants_fragment
from console.pages.answers import tell
from console.pages.cells import address
from console.pages.kit import Done, Pages
from console.pages.views import row_or_404
from console.permissions import needs
from networks.pages import security
from vms import forwarding, membership
from vms.action_views import accepted
from vms.attaching import Choices
from vms.choosing import Question, ask
from vms.nic_choices import nics_for, nics_joining
from vms.pages.forwarding import EIPS, RULES

NIC = "vmNicUuid"


@dataclass(frozen=True, kw_only=True)
class Tie:
    """One kind of thing that is tied to NICs; its texts have a place for it, `unfit` says why it cannot be."""

    pages: Pages
    title: str
    about: str
    button: str
    done: str
    choices: Callable[[Any, str], Choices]
    tie: Callable[[Any, str], Any]
    unfit: Callable[[Any], str] = lambda row: ""

    def view(self) -> Callable[..., HttpResponse]:
        @require_http_methods(["GET", "HEAD", "POST"])
        @needs(self.pages.model, "change")
        def view(request: HttpRequest, uuid: str) -> HttpResponse:
            row = row_or_404(self.pages.rows(), uuid)
            if request.method != "POST":
                return self._ask(request, row)
            try:
                if not (nic := request.POST.get(NIC)):
                    raise InvalidArgument("Choose a VM", field=NIC)
                self.tie(row, nic)
            except Refusal as refusal:
                return self._ask(request, row_or_404(self.pages.rows(), uuid), refusal)
            said = self.done.format(row)
            if not wants_fragment(request):
                tell(request, Done(f"{said}."))
            return accepted(request, said, address(row))

        return view

    def _ask(self, request: HttpRequest, row: Any, refusal: Refusal | None = None) -> HttpResponse:
        given = request.POST or request.GET
        problem, nic = self.unfit(row), getattr(row, "nic", None)
        question = Question(
            pages=self.pages,
            row=row,
            title=self.title.format(row),
            note="",
            about=self.about.format(row),
            parameter=NIC,
            what="NICs",
            empty="There is no VM yet.",
            button=self.button,
            choices=None if problem else self.choices(row, given.get("q", "")),
            problem=problem and f"{problem}.",
            tied=nic.vm if nic else None,
            detach=reverse(self.pages.view("action"), args=[row.pk, "detach"]) if nic else "",
        )
        return ask(request, question, refusal)


attach_eip = Tie(
    pages=EIPS,
    title="Attach EIP {} to a VM",
    about="Choose the NIC that {0.vip.ip} leads to.",
    button="Attach",
    done="{} is attached",
    choices=nics_for,
    tie=lambda eip, nic: forwarding.attach_eip(eip_uuid=eip.pk, vm_nic_uuid=nic),
    unfit=forwarding.unattachable,
).view()
attach_rule = Tie(
    pages=RULES,
    title="Attach port forwarding rule {} to a VM",
    about="Choose the NIC that its ports of {0.vip.ip} lead to.",
    button="Attach",
    done="{} is attached",
    choices=nics_for,
    tie=lambda rule, nic: forwarding.attach_rule(rule_uuid=rule.pk, vm_nic_uuid=nic),
    unfit=forwarding.unattachable,
).view()
join_group = Tie(
    pages=security.PAGES,
    title="Add a NIC to {}",
    about="The group's rules then apply to this NIC, in addition to those of its other groups.",
    button="Add",
    done="The NIC is in {}",
    choices=nics_joining,
    tie=lambda group, nic: membership.join_group(security_group_uuid=group.pk, vm_nic_uuids=[nic]),
).view()
