"""Addresses of the pages of networks."""

from django.urls import include, path
from django.views.generic import RedirectView

from console.pages import addresses
from console.pages.routes import routes
from networks.address_views import addresses as address_history
from networks.pages import l2, l3, vips

l2_urls = routes(l2.PAGES)
l3_urls = routes(
    l3.PAGES,
    path("ranges/<slug:uuid>/", l3.range_of, name="range"),
    path("ranges/<slug:uuid>/delete/", l3.delete_range, name="delete-range"),
    path("<slug:uuid>/add-range/", l3.add_range, name="add-range"),
)
addresses.register("IpRange", "l3:range")
vip_urls = routes(vips.PAGES)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="l3:list", query_string=True)),
    path("addresses/", address_history, name="addresses"),
    path("l2/", include(l2_urls)),
    path("l3/", include(l3_urls)),
    path("vips/", include(vip_urls)),
]
