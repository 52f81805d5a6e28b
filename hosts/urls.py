"""Addresses of the pages of hosts."""

from django.urls import path

from hosts import views

app_name = "hosts"

urlpatterns = [
    path("", views.host_list, name="list"),
    path("<slug:uuid>/", views.host_detail, name="detail"),
]
