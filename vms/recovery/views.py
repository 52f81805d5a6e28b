"""/recovery/: what is not as it should be, who keeps watch, and what was repaired by whom. No page asks a host."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.errors import NotFound, Refusal
from console.htmx import render_page
from console.models import Operation, Status
from console.naming import new_uuid
from console.pages.answers import person
from console.permissions import needs, why_not
from console.textual import counted
from vms.config import LOOK_INTERVAL
from vms.life import Asked
from vms.models import VmInstance
from vms.recovery.checks import BY_NAME, CHECKS, Check, finding_of, repair
from vms.recovery.elsewhere import elsewhere
from vms.recovery.leaks import LOOK, look_for_leaks
from vms.recovery.repairs import REPAIR
from vms.recovery.routine import rhythm
from vms.recovery.watch import guards

#: begins the idempotency keys of what was asked for here
KEY = "recovery."
REPAIRS_SHOWN = 10
#: how many of one kind a page shows
SHOWN = 100


@require_safe
def recovery(request: HttpRequest) -> HttpResponse:
    sections = [(check, list(check.find())) for check in CHECKS]
    repairs = Operation.objects.lines().filter(Q(idempotency_key__startswith=KEY) | Q(kind=REPAIR)).exclude(kind=LOOK)
    last_look = Operation.objects.lines().filter(kind=LOOK).first()
    looked = Operation.objects.filter(kind=LOOK, status=Status.SUCCEEDED).exists()
    shown = list(repairs[:REPAIRS_SHOWN])
    context = {
        "found": [(check, findings[:SHOWN], len(findings)) for check, findings in sections if findings],
        "elsewhere": elsewhere(),
        "quiet": [check for check, findings in sections if not findings and (looked or not check.by_look)],
        "not_looked": [check for check, findings in sections if not findings and check.by_look and not looked],
        "total": sum(len(findings) for _, findings in sections),
        "last_look": last_look,
        "rhythm": rhythm(LOOK_INTERVAL.get(), last_look),
        "rhythm_setting": LOOK_INTERVAL,
        "repairs": shown,
        "guards": guards(),
        "lacks": why_not(request.user, VmInstance, "delete"),
        "fresh": new_uuid(),
    }
    live = any(one.is_open for one in [*shown, *([last_look] if last_look else [])])
    return render_page(request, "vms/recovery/page.html", "vms/recovery/_page.html", context, live=live)


@require_POST
@needs(VmInstance, "delete")
def look(request: HttpRequest) -> HttpResponse:
    """Have hosts and storages looked at; pressed twice it is one look."""
    look_for_leaks(_asked(request, "look"))
    messages.info(request, "Checking hosts and storages.")
    return redirect("recovery")


@require_http_methods(["GET", "HEAD", "POST"])
@needs(VmInstance, "delete")
def repair_one(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """GET asks before something is lost; POST repairs."""
    check = _check(name)
    try:
        finding = finding_of(check, key)
        if request.method == "POST":
            _tell(request, repair(check, finding, _asked(request, name, key)), finding.why_not)
            return redirect("recovery")
    except Refusal as refusal:
        _say(request, refusal)
        return redirect("recovery")
    context = {"check": check, "finding": finding, "fresh": new_uuid()}
    return render(request, "vms/recovery/ask.html", context)


@require_POST
@needs(VmInstance, "delete")
def repair_all(request: HttpRequest, name: str) -> HttpResponse:
    """Everything of one kind by which nothing is lost; each is an operation of its own."""
    check = _check(name)
    if check.danger:
        raise Http404(f"{name} is repaired one by one")
    begun = 0
    for finding in list(check.find())[:SHOWN]:
        try:
            begun += repair(check, finding, _asked(request, name, finding.key)) is not None
        except Refusal:
            continue  # mended meanwhile, or somebody works on it: the page shows what is left
    messages.info(request, f"{counted(begun, 'repair')} begun.")
    return redirect("recovery")


def _check(name: str) -> Check:
    if name not in BY_NAME:
        raise Http404(f"there is no check {name}")
    return BY_NAME[name]


def _asked(request: HttpRequest, *what: str) -> Asked:
    return Asked(user=person(request), key=f"{KEY}{'.'.join(what)}.{request.POST.get('fresh', '')[:32] or new_uuid()}")


def _tell(request: HttpRequest, operation: Operation | None, why_not: str) -> None:
    if operation:
        messages.info(request, f"{operation.title}: begun.")
    else:
        messages.error(request, why_not or "It cannot be repaired from here.")


def _say(request: HttpRequest, refusal: Refusal) -> None:
    say: Any = messages.info if isinstance(refusal, NotFound) else messages.error
    say(request, f"{refusal.details or refusal.description}.")
