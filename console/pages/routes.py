"""The addresses of a resource's pages."""

from typing import Any

from django.urls import path

from console.lists import spec
from console.lists.export import export_view
from console.pages import addresses, views
from console.pages.kit import Pages, register


def routes(pages: Pages, *before: Any) -> tuple[list[Any], str]:
    """(patterns, namespace) for `include`; `before` are the resource's own addresses, which come first."""
    register(pages)
    spec.register(pages.space, lambda: pages.listing)
    addresses.register(pages.model.__name__, pages.view("detail"))
    patterns = [*before, path("", views.list_view(pages), name="list")]
    patterns.append(path("export.<slug:kind>", export_view(lambda: pages.listing), name="export"))
    if pages.form:
        patterns.append(path("create/", views.create_view(pages), name="create"))
    patterns.append(path("<slug:uuid>/", views.detail_view(pages), name="detail"))
    if pages.update:
        patterns.append(path("<slug:uuid>/edit/", views.edit_view(pages), name="edit"))
    if pages.deletable:
        patterns.append(path("<slug:uuid>/delete/", views.delete_view(pages), name="delete"))
    patterns.append(path("<slug:uuid>/<slug:name>/", views.action_view(pages), name="action"))
    return patterns, pages.space
