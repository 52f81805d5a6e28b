"""The create wizard's pages: one address per step, a draft in the session, and nothing made before the last one."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.forms import BoundField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.htmx import wants_fragment
from console.models import Operation
from console.permissions import needs
from vms import wizard_preview
from vms.models import VmInstance
from vms.wizard import (
    REVIEW,
    STEPS,
    SUBMITTED_KEY,
    Draft,
    Nics,
    Step,
    address_field,
    discard,
    step_after,
    step_called,
    steps_before,
)
from vms.wizard_flow import BASICS, DISKS, IMAGE, NETWORKS, PLACEMENT, Wizard, accepted, submit
from vms.wizard_options import elsewhere

#: name and value of the button that was pressed; an empty one goes on to the next page
BUTTON = "go"
#: where "go on" leads when people came from the review to change one thing
RETURN = "return"
#: why a page cannot be passed, by whether it was answered
NOT_LEFT = {False: "it is not complete yet", True: "something on it is missing or wrong"}

may_create = needs(VmInstance, "add")


def address(step: Step, **query: str) -> str:
    where = reverse("vms:create-step", args=[step.name])
    return f"{where}?{urlencode(query)}" if query else where


@require_safe
@may_create
def start(request: HttpRequest) -> HttpResponse:
    """Where the draft stands; a new one begins at the beginning."""
    wizard = Wizard(Draft.load(request.session))
    return redirect(address((wizard.incomplete() or REVIEW) if wizard.draft.begun else BASICS))


@require_POST
@may_create
def start_over(request: HttpRequest) -> HttpResponse:
    discard(request.session)
    return redirect(address(BASICS))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may_create
def step(request: HttpRequest, name: str) -> HttpResponse:
    """One page of the wizard; a POST keeps what was typed, right or wrong, and goes on when it is right."""
    try:
        here = step_called(name)
    except LookupError as error:
        raise Http404(str(error)) from error
    wizard = Wizard(Draft.load(request.session))
    if here == REVIEW and request.method == "POST":
        return _submitted(request, wizard)
    if missing := wizard.incomplete(before=here):
        return _sent_back(request, wizard, missing)
    if request.method == "POST":
        return _answered(request, wizard, here)
    return _page(request, wizard, here)


def _sent_back(request: HttpRequest, wizard: Wizard, missing: Step) -> HttpResponse:
    user: Any = request.user
    key = "" if wizard.draft.begun else request.session.pop(SUBMITTED_KEY, "")
    if key and (made := accepted(key, user)):
        said = f"{len(made)} VMs are" if len(made) > 1 else f"VM {made[0].subject_name} is"
        text = 'What was asked here has been accepted: <a href="{}">{} there</a>. This is a new one.'
        messages.info(request, format_html(text, _arrival(key, made), said))
    else:
        messages.warning(request, f"“{missing.title}” comes first: {NOT_LEFT[wizard.draft.visited(missing)]}.")
    return redirect(address(missing))


def _answered(request: HttpRequest, wizard: Wizard, here: Step) -> HttpResponse:
    button = request.POST.get(BUTTON, "")
    names = wizard.form(here).fields
    draft = wizard.draft
    draft.answer(here, {name: request.POST.getlist(name) for name in names})
    if here == NETWORKS:
        _change_nics(draft, button)
    draft.save(request.session)
    wizard = Wizard(draft)
    if button:
        return _changed(request, wizard, here, button)
    if wizard.form(here).is_valid():
        wanted = REVIEW if request.POST.get(RETURN) == REVIEW.name else step_after(here)
        return redirect(address(wanted))
    return _page(request, wizard, here)


def _change_nics(draft: Draft, button: str) -> None:
    """Apply "add:<uuid>" and its like; a default network is always chosen."""
    action, _, uuid = button.partition(":")
    given = draft.given(NETWORKS)
    nics = Nics(tuple(given.get("l3", [])), next(iter(given.get("default", [])), ""))
    if button:
        nics = nics.changed(action, uuid)
        typed = {name: given[name] for name in map(address_field, nics.l3s) if name in given}
        draft.answer(NETWORKS, {"l3": nics.l3s, "default": [nics.default] if nics.default else [], **typed})


def _changed(request: HttpRequest, wizard: Wizard, here: Step, button: str) -> HttpResponse:
    """A change within the page: the fragment for htmx, else the page again, at the row that was changed."""
    if wants_fragment(request) and here == NETWORKS:
        context = _context(request, wizard, here) | {"said": _said(wizard, button)}
        return render(request, "vms/create/_networks.html", context)
    query = {RETURN: REVIEW.name} if request.POST.get(RETURN) == REVIEW.name else {}
    anchor = f"#nic-{button.partition(':')[2]}" if here == NETWORKS else ""
    return HttpResponseRedirect(address(here, **query) + anchor)


def _said(wizard: Wizard, button: str) -> str:
    """What a change of the networks did, for people who do not see it."""
    uuid = button.partition(":")[2]
    option = wizard.offered.networks.get(uuid)
    if option is None:
        return ""
    l3s = wizard.nics.l3s
    return f"{option.name} is eth{l3s.index(uuid)}" if uuid in l3s else f"{option.name} is removed"


def _page(request: HttpRequest, wizard: Wizard, here: Step) -> HttpResponse:
    return render(request, f"vms/create/{here.name}.html", _context(request, wizard, here))


def _context(request: HttpRequest, wizard: Wizard, here: Step) -> dict[str, Any]:
    """What every page shows, and what only this one does."""
    given = request.POST if request.method == "POST" else request.GET
    before = steps_before(here)
    context = {
        "wizard": wizard,
        "step": here,
        "number": STEPS.index(here) + 1,
        "total": len(STEPS),
        "steps": wizard.progress(here),
        "back": address(before[-1]) if before else reverse("vms:list"),
        "returning": given.get(RETURN) == REVIEW.name,
    }
    if here != REVIEW:
        form = wizard.form(here) if request.method == "POST" else wizard.shown(here)
        form.open_at_first()
        context["form"] = form
    own = OWN_CONTEXT.get(here.name)
    return context | (own(wizard) if own else {})


@dataclass(frozen=True)
class NicLine:
    """A chosen network: its option (None: it is gone), the field of its address, device and place in the order."""

    uuid: str
    option: Any
    address: BoundField | None
    device: str
    is_default: bool
    is_first: bool
    is_last: bool


def _networks(wizard: Wizard) -> dict[str, Any]:
    nics, offered, form = wizard.nics, wizard.offered.networks, wizard.form(NETWORKS)
    last = len(nics.l3s) - 1
    fields = [form[address_field(uuid)] if uuid in offered else None for uuid in nics.l3s]
    lines = [
        NicLine(uuid, offered.get(uuid), fields[n], f"eth{n}", uuid == nics.default, n == 0, n == last)
        for n, uuid in enumerate(nics.l3s)
    ]
    chosen = next((line.option for line in lines if line.option), None)
    rest = [elsewhere(option, chosen) for uuid, option in offered.items() if uuid not in nics.l3s]
    first = None if lines else next((option for option in rest if not option.reason), None)
    return {"lines": lines, "rest": rest, "first": first, "copies": wizard.copies}


def _disks(wizard: Wizard) -> dict[str, Any]:
    return {"image": _chosen(wizard)["image"]}


def _placement(wizard: Wizard) -> dict[str, Any]:
    """The preview follows the draft where it is complete, else what automatic placement would do."""
    return {"preview": _preview(wizard)} if wizard.incomplete() is None else {}


def _review(wizard: Wizard) -> dict[str, Any]:
    disks = wizard.form(DISKS)
    return _chosen(wizard) | {
        "preview": _preview(wizard),
        "values": wizard.values,
        "names": wizard.names,
        "hostnames": wizard.hostnames,
        "networks": _networks(wizard)["lines"],
        "disks": [(option, field.value()) for option, field in disks.rows() if disks.cleaned_data.get(field.name)],
        "place": wizard.form(PLACEMENT).place_name(),
        "volume_bytes": _volume_bytes(wizard),
        "all_volume_bytes": _volume_bytes(wizard) * wizard.copies,
        "seen": wizard.draft.fingerprint,
    }


def _preview(wizard: Wizard) -> wizard_preview.Preview:
    return wizard_preview.preview(wizard.requests()[0], wizard.copies)


def _chosen(wizard: Wizard) -> dict[str, Any]:
    values = wizard.form(IMAGE).cleaned_data
    return {"image": wizard.offered.images[values["image"]], "offering": wizard.offered.offerings[values["offering"]]}


def _volume_bytes(wizard: Wizard) -> int:
    """Sizes of root and data disks of one VM."""
    data = sum(wizard.offered.disks[uuid].row.disk_size for uuid in wizard.form(DISKS).uuids())
    return int(_chosen(wizard)["image"].row.size + data)


OWN_CONTEXT = {"networks": _networks, "disks": _disks, "placement": _placement, "review": _review}


@never_cache
@require_safe
@may_create
def preview(request: HttpRequest) -> HttpResponse:
    """The allocator's word on the place that is being chosen; keeps nothing."""
    draft = Draft.load(request.session)
    wizard = Wizard(replace(draft, answers=dict(draft.answers)))
    names = wizard.form(PLACEMENT).fields
    wizard.draft.answer(PLACEMENT, {name: request.GET.getlist(name) for name in names})
    wizard = Wizard(wizard.draft)
    return render(request, "vms/create/_decision.html", {"wizard": wizard, **_placement(wizard)})


# the end --------------------------------------------------------------------------------------------------


def _submitted(request: HttpRequest, wizard: Wizard) -> HttpResponse:
    """Accept the VMs. The same form sent again, however soon, leads to the same VMs."""
    user: Any = request.user
    key = request.POST.get("key", "")
    if wizard.draft.key != key:
        if accepted(key, user):
            return _arrived(key, user)
        messages.warning(request, "This draft has been discarded meanwhile; nothing was created.")
        return redirect("vms:create")
    if missing := wizard.incomplete():
        return _arrived(key, user) if accepted(key, user) else _sent_back(request, wizard, missing)
    if request.POST.get("seen") != wizard.draft.fingerprint:
        messages.warning(request, "The draft has changed since this page was shown; nothing was created. Look again.")
        return redirect(address(REVIEW))
    refused = submit(wizard, user)
    if not accepted(key, user):
        for reason in refused:
            messages.error(request, f"Nothing was created: {reason}")
        return redirect(address(REVIEW))
    _tell(request, len(wizard.names), refused)
    discard(request.session)
    request.session[SUBMITTED_KEY] = key
    return _arrived(key, user)


def _tell(request: HttpRequest, wanted: int, refused: dict[str, list[str]]) -> None:
    """How many were accepted, and why the rest were not."""
    count = wanted - sum(map(len, refused.values()))
    if wanted > 1 and not refused:
        messages.success(request, f"{count} VMs were accepted at {timezone.now():%H:%M} UTC.")
    for reason, names in refused.items():
        messages.warning(request, f"{count} of {wanted} VMs were accepted. Not {', '.join(names)}: {reason}")


def _arrived(key: str, user: Any) -> HttpResponse:
    return HttpResponseRedirect(_arrival(key, accepted(key, user)))


def _arrival(key: str, operations: list[Operation]) -> str:
    """Where what a draft has set going is seen."""
    if len(operations) == 1:
        return reverse("vms:detail", args=[operations[0].subject_uuid])
    return f"{reverse('vms:list')}?{urlencode({'batch': key, 'sort': 'name'})}"
