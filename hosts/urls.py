"""Addresses of the pages of places, machines and storage."""

from django.urls import path

from console.pages.routes import routes
from hosts import views
from hosts.pages import clusters, hosts, storages, zones

zone_urls = routes(zones.PAGES)
cluster_urls = routes(clusters.PAGES)
host_urls = routes(
    hosts.PAGES,
    path("create/", views.add, name="create"),
    path("create/<slug:uuid>/", views.add, name="test"),
)
storage_urls = routes(storages.STORAGE)
store_urls = routes(storages.STORE)
