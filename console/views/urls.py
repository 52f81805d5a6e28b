"""Addresses of the pages of operations."""

from django.urls import path

from console.views import operation_list, operations

app_name = "operations"

urlpatterns = [
    path("", operation_list.operation_list, name="list"),
    path("export.<slug:kind>", operation_list.export, name="export"),
    path("<slug:uuid>/", operations.operation_detail, name="detail"),
    path("<slug:uuid>/cancel/", operations.operation_cancel, name="cancel"),
    path("<slug:uuid>/retry/", operations.operation_retry, name="retry"),
]
