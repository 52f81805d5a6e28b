"""Where the page of a resource is, by the type that rows and operations name."""

_views: dict[str, str] = {}


def register(resource_type: str, view: str) -> None:
    """The page of a model, also under the name that tags and inventories use for it (`ZoneVO`)."""
    _views[resource_type] = _views[f"{resource_type}VO"] = view


def view_of(resource_type: str) -> str:
    """The name of the view; empty when the type has no page."""
    return _views.get(resource_type, "")
