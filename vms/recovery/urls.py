"""Addresses of the recovery page."""

from django.urls import path

from vms.recovery import views

urlpatterns = [
    path("", views.recovery, name="recovery"),
    path("look/", views.look, name="recovery-look"),
    path("<slug:name>/", views.repair_all, name="recovery-all"),
    path("<slug:name>/<str:key>/", views.repair_one, name="recovery-one"),
]
