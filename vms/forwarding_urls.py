"""Addresses below networks/ of what is tied to NICs: EIPs, port forwarding rules, security groups."""

from django.urls import include, path

from console.pages.routes import routes
from networks.pages import security
from vms import nic_views
from vms.pages import forwarding, members  # noqa: F401  # the latter is a table on the page of a group

eip_urls = routes(forwarding.EIPS, path("<slug:uuid>/attach/", nic_views.attach_eip, name="attach"))
rule_urls = routes(forwarding.RULES, path("<slug:uuid>/attach/", nic_views.attach_rule, name="attach"))
group_urls = routes(
    security.PAGES,
    path("<slug:uuid>/add-rule/", security.add_rule, name="add-rule"),
    path("<slug:uuid>/join/", nic_views.join_group, name="join"),
)

urlpatterns = [
    path("eips/", include(eip_urls)),
    path("port-forwarding/", include(rule_urls)),
    path("security-groups/", include(group_urls)),
]
