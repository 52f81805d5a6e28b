"""Views of lists that people keep for themselves: a name for what an address asks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from console.errors import InvalidArgument, NotFound
from console.htmx import wants_fragment
from console.listing import PAGE
from console.lists.spec import Listing, listing_of
from console.models import SavedView

View = Callable[..., HttpResponse]

VIEW, PLAIN = "view", "all"
#: views of one list that one person may keep
MOST = 30
MAX_QUERY = 4000


@dataclass(frozen=True, slots=True)
class Tab:
    """One way to see a list."""

    name: str
    url: str
    current: bool = False
    default: bool = False


@dataclass(frozen=True, kw_only=True)
class Views:
    """The views of a list as its page shows them. `changed`: the address differs from what the current one asks."""

    tabs: list[Tab]
    current: SavedView | None
    changed: bool
    query: str
    space: str

    @property
    def edit_url(self) -> str:
        return reverse("views:edit", args=[self.current.pk]) if self.current else ""


def views_of(request: HttpRequest, listing: Listing) -> Views:
    """One statement."""
    kept = list(SavedView.objects.filter(user=request.user.pk, page=listing.space))
    asked = request.GET.get(VIEW, "")
    current = next((view for view in kept if str(view.pk) == asked), None)
    query = canonical(request.GET)
    plain = Tab("All", f"?{VIEW}={PLAIN}", current is None and not query)
    tabs = [Tab(view.name, address_of(view), view is current, view.is_default) for view in kept]
    return Views(
        tabs=[plain, *tabs] if kept else [],
        current=current,
        changed=current is not None and query != current.query,
        query=query,
        space=listing.space,
    )


def opens_default_view(space: str) -> Callable[[View], View]:
    """A list that goes to the person's default view when its page is opened without parameters."""

    def decorate(view: View) -> View:
        @wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.GET and not wants_fragment(request):
                default = SavedView.objects.filter(user=request.user.pk, page=space, is_default=True).first()
                if default is not None:
                    return HttpResponseRedirect(address_of(default))
            return view(request, *args, **kwargs)

        return opened

    return decorate


def address_of(view: SavedView) -> str:
    """The list as the view asks for it."""
    return f"?{VIEW}={view.pk}{'&' if view.query else ''}{view.query}"


def canonical(query: QueryDict) -> str:
    """What of an address a view keeps: everything but the page, and which view it was."""
    target = query.copy()
    for name in (PAGE, VIEW):
        target.pop(name, None)
    for name in [name for name, values in target.lists() if not any(values)]:
        target.pop(name)
    return target.urlencode()


# --- writes


def save_view(user: Any, *, page: str, name: str, query: str, default: bool = False) -> SavedView:
    """Keep what the address asks. Raises InvalidArgument, NotFound."""
    if listing_of(page) is None:
        raise NotFound(f"There is no list {page}", field="page")
    if SavedView.objects.filter(user=user, page=page).count() >= MOST:
        raise InvalidArgument(f"You keep {MOST} views of this list already; delete one first", field="name")
    view = SavedView(user=user, page=page, query=_checked(query))
    return _write(view, name=name, default=default)


def change_view(view: SavedView, *, name: str, default: bool, query: str | None = None) -> SavedView:
    """Rename it, make it the default or not, let it ask something else. Raises InvalidArgument."""
    if query is not None:
        view.query = _checked(query)
    return _write(view, name=name, default=default)


def _checked(query: str) -> str:
    kept = canonical(QueryDict(query.lstrip("?")))
    if len(kept) > MAX_QUERY:
        raise InvalidArgument(f"The address has {len(kept)} characters; a view keeps at most {MAX_QUERY}", field="name")
    return kept


def _write(view: SavedView, *, name: str, default: bool) -> SavedView:
    """One default for each list of a person."""
    view.name, view.is_default = name, default
    others = SavedView.objects.filter(user=view.user, page=view.page).exclude(pk=view.pk)
    if others.filter(name__iexact=name).exists():
        raise InvalidArgument(_taken(name), field="name")
    try:
        with transaction.atomic():
            if default:
                others.filter(is_default=True).update(is_default=False)
            view.save()
    except IntegrityError as error:
        raise InvalidArgument(_taken(name), field="name") from error
    return view


def _taken(name: str) -> str:
    return f"You have a view {name} of this list already"
