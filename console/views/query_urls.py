"""Addresses of what helps with queries."""

from django.urls import path

from console.views import queries

app_name = "queries"

urlpatterns = [
    path("<slug:name>/", queries.fields, name="fields"),
    path("<slug:name>/complete/", queries.complete, name="complete"),
]
