"""Addresses of the pages of volumes, images and offerings."""

from typing import Any

from django.urls import include, path
from django.views.generic import RedirectView

from console.pages.routes import routes
from vms import volume_views
from vms.pages import images, offerings, volumes

volume_urls = routes(volumes.PAGES, path("<slug:uuid>/attach/", volume_views.attach, name="attach"))
image_urls = routes(images.PAGES)
instance_urls = routes(offerings.INSTANCE)
disk_urls = routes(offerings.DISK)

offering_urls: list[Any] = [
    path("", RedirectView.as_view(pattern_name="offerings:list", query_string=True)),
    path("instances/", include(instance_urls)),
    path("disks/", include(disk_urls)),
]
