"""Addresses of the pages of VMs."""

from django.urls import path

from vms import action_views, bulk_views, edit_views, stranger_views, views, wizard_views

app_name = "vms"

urlpatterns = [
    path("", views.vm_list, name="list"),
    path("export.<slug:kind>", views.export, name="export"),
    path("bulk/", bulk_views.bulk, name="bulk"),
    path("create/", wizard_views.start, name="create"),
    path("create/discard/", wizard_views.start_over, name="create-discard"),
    path("create/preview/", wizard_views.preview, name="create-preview"),
    path("create/<slug:name>/", wizard_views.step, name="create-step"),
    path("strangers/", stranger_views.strangers, name="strangers"),
    path("strangers/<slug:uuid>/adopt/", stranger_views.adopt, name="adopt"),
    path("strangers/<slug:uuid>/ignore/", stranger_views.ignore, name="ignore"),
    path("strangers/<slug:uuid>/heed/", stranger_views.heed, name="heed"),
    path("<slug:uuid>/", views.vm_detail, name="detail"),
    path("<slug:uuid>/edit/", edit_views.edit, name="edit"),
    path("<slug:uuid>/<slug:name>/", action_views.act, name="act"),
]
