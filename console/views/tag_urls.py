"""Addresses of the forms of tags."""

from django.urls import path

from console.views import tags

app_name = "tags"

urlpatterns = [
    path("add/<slug:resource_type>/<slug:uuid>/", tags.add, name="add"),
    path("<slug:uuid>/change/", tags.change, name="change"),
    path("<slug:uuid>/remove/", tags.remove, name="remove"),
]
