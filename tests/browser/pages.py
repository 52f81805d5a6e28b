"""The address of every page, from the URL configuration: each named route, with the keys of real rows.

Run inside the console, where the rows of `scene` are. A new page of a known kind is among them by itself; one whose
keys nothing here gives is an error, and so is a page without a row to show.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from console.models import ApiToken, Operation, SavedView, Tag, TagType
from console.pages import kit
from hosts.flows.probe import PROBE
from hosts.models import Host
from networks.models import IpRange
from vms.actions import ACTIONS
from vms.models import Leak, LeakKind, Stranger, VmInstance, Volume
from vms.states import VmOperation
from vms.views import TABS
from vms.wizard import STEPS

Keys = Mapping[str, Any]

#: Django's own pages, the login, which is for strangers, a stream, and parts of pages
ELSEWHERE = {"admin", "login", "events", "l3:range", "queries:complete", "vms:create-preview"}
JSON, JSON_PAGE = "api", "api-docs"


def routes() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name of each route that may be a page, and the keys in its address; files and streams end in no slash."""
    for name, one in named(get_resolver().url_patterns):
        pattern, json = str(one.pattern), name.startswith(JSON) and name != JSON_PAGE
        if not json and name not in ELSEWHERE and (not pattern or pattern.endswith("/")):
            yield name, tuple(one.pattern.converters)


def named(patterns: Iterable[Any], space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in patterns:
        if isinstance(one, URLPattern):
            if one.name:
                yield f"{space}{one.name}", one
        elif isinstance(one, URLResolver) and one.namespace not in ELSEWHERE:
            yield from named(one.url_patterns, f"{space}{one.namespace}:" if one.namespace else space)


def first(rows: Any) -> Any:
    """The key of the oldest row."""
    row = rows.order_by("pk").first()
    if row is None:
        raise LookupError(f"no {rows.model.__name__} stands in the scene")
    return row.pk


def of(model: type[Model], **known: Any) -> Callable[[], list[Keys]]:
    return lambda: [{"uuid": first(model._default_manager.all()), **known}]


def _acts() -> list[Keys]:
    """Each on a VM whose state permits it: the first one of the scene runs, the second one is stopped."""
    running, stopped = (VmInstance.objects.get(name=f"web-{number}").pk for number in range(2))
    at_rest = {VmOperation.START, VmOperation.ATTACH_VOLUME, VmOperation.DETACH_VOLUME}
    return [{"uuid": stopped if one.operation in at_rest else running, "name": one.name} for one in ACTIONS]


#: by the name of the route: the keys of each page to be seen
KEYS: Mapping[str, Callable[[], Iterable[Keys]]] = {
    "host-maintenance": lambda: [{"uuid": host.pk} for host in Host.objects.filter(name="node-5")],
    "hosts:test": lambda: [{"uuid": first(Operation.objects.filter(kind=PROBE))}],
    "l3:delete-range": of(IpRange),
    "vms:create-step": lambda: [{"name": step.name} for step in STEPS],
    "vms:detail": lambda: [{"uuid": VmInstance.objects.get(name="web-0").pk}],
    "vms:edit": of(VmInstance),
    "vms:act": _acts,
    **{
        f"vms:{name}": lambda: [{"uuid": stranger.domain_uuid} for stranger in Stranger.objects.filter(name="shop-0")]
        for name in ("adopt", "ignore", "heed")
    },
    **{f"operations:{name}": of(Operation) for name in ("detail", "cancel", "retry")},
    "queries:fields": lambda: [{"name": "VmInstance"}],
    **{f"views:{name}": lambda: [{"pk": first(SavedView.objects.all())}] for name in ("edit", "keep", "delete")},
    **{
        f"settings:{name}": lambda: [{"category": "host", "name": "cpu.overProvisioning.ratio"}]
        for name in ("detail", "reset")
    },
    "recovery-all": lambda: [{"name": "files"}],
    "recovery-one": lambda: [{"name": "files", "key": first(Leak.objects.filter(kind=LeakKind.FILE))}],
    "tags:add": of(Host, resource_type="HostVO"),
    "tags:change": lambda: [{"uuid": first(Tag.objects.filter(type=TagType.SYSTEM, inherent=False))}],
    "tags:remove": of(Tag),
    "token-revoke": of(ApiToken),
}
#: what some pages are asked with
QUESTIONS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "views:create": lambda: {"page": "vms", "query": "q=web"},
    "vms:bulk": lambda: {"action": "stop", "all": "?q=web"},
    "vms:act-detach-volume": lambda: {"volumeUuid": first(Volume.objects.filter(vm__name="web-1", type="Data"))},
}


def keys_of(name: str, wanted: tuple[str, ...]) -> Iterable[Keys]:
    if not wanted:
        return [{}]
    if name in KEYS:
        return KEYS[name]()
    space = name.partition(":")[0]
    pages = next((pages for pages in kit.all_pages() if pages.space == space), None)
    if pages is None or not set(wanted) <= {"uuid", "name"}:
        raise LookupError(f"nothing says which {', '.join(wanted)} to show at {name}")
    return [dict.fromkeys(wanted, "enable") | {"uuid": oldest(pages)}]


def oldest(pages: kit.Pages) -> Any:
    """What was made first has most that hangs on it."""
    row = pages.model._default_manager.order_by("create_date", "pk").first()
    if row is None:
        raise LookupError(f"no {pages.noun} stands in the scene")
    return row.pk


def every(uuids: Mapping[str, str], client: Client) -> dict[str, str]:
    """Name -> address of every page, and of some of them in several states; `client` may see all."""
    found = {}
    for name, wanted in routes():
        for keys in keys_of(name, wanted):
            called = "-".join([name, *(str(keys[key]) for key in wanted if key == "name" and "action" not in name)])
            asked = QUESTIONS[called]() if called in QUESTIONS else {}
            found[called.replace(":", "-")] = reverse(name, kwargs=keys) + (f"?{urlencode(asked)}" if asked else "")
    return {name: address for name, address in found.items() if is_read(client, address)} | states(uuids)


def is_read(client: Client, address: str) -> bool:
    """Whether it answers GET; what only takes POST says so, and does nothing, when it is asked for its options."""
    return "GET" in client.options(address).headers.get("Allow", "GET")


def states(uuids: Mapping[str, str]) -> dict[str, str]:
    """Pages that look otherwise at other times."""
    vm = f"/vms/{uuids['vm']}/"
    return {
        **{f"vm-{tab}": f"{vm}?tab={tab}" for tab in TABS},
        "vm-moving": f"/vms/{uuids['moving']}/",
        "vm-gone": f"/vms/{uuids['gone']}/",
        **{f"host-{name}": f"/hosts/{uuids[name]}/" for name in ("lost", "entering", "away")},
        **{f"host-maintenance-{name}": f"/hosts/{uuids[name]}/maintenance/" for name in ("entering", "lost")},
        **{
            f"operation-{name}": f"/operations/{uuids[name]}/" for name in ("creating", "evacuation", "failed", "stuck")
        },
        "stranger-refused": f"/vms/strangers/5b{1:030x}/adopt/",
        "zone-free": f"/zones/{uuids['empty']}/delete/",
        "eip-loose": f"/networks/eips/{uuids['loose']}/attach/",
        "vms-none": "/vms/?q=nothing",
        "vms-asked": "/vms/?q=name~=web+state=Running+vmNics.ip~=10.20",
        "vms-wrong": "/vms/?q=web+stat=Running",
        "vms-unknown": "/vms/?state=Nonsense&host=garbage&page=99",
        "vms-columns": "/vms/?columns=host,uuid,ip-address",
        "hosts-asked": "/hosts/?q=name~=node&status=Disconnected",
        "operations-asked": "/operations/?q=web+status=Succeeded",
        "not-found": "/nothing/",
    }
