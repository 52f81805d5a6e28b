from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path

import hosts.urls
import vms.catalogue_urls
from console.dashboard import dashboard
from console.views import faults, health, live, tokens
from vms.maintenance_views import host_maintenance


@login_not_required
def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for it on pages that name none."""
    return redirect(static("img/favicon.svg"), permanent=True)


handler403, handler404 = faults.forbidden, faults.not_found
urlpatterns = [
    path("favicon.ico", favicon),
    path("", dashboard, name="dashboard"),
    path("vms/", include("vms.urls")),
    path("volumes/", include(vms.catalogue_urls.volume_urls)),
    path("zones/", include(hosts.urls.zone_urls)),
    path("clusters/", include(hosts.urls.cluster_urls)),
    path("hosts/<slug:uuid>/maintenance/", host_maintenance, name="host-maintenance"),
    path("hosts/", include(hosts.urls.host_urls)),
    path("primary-storages/", include(hosts.urls.storage_urls)),
    path("image-stores/", include(hosts.urls.store_urls)),
    path("networks/", include("networks.urls")),
    path("networks/", include("vms.forwarding_urls")),
    path("images/", include(vms.catalogue_urls.image_urls)),
    path("offerings/", include(vms.catalogue_urls.offering_urls)),
    path("operations/", include("console.views.urls")),
    path("queries/", include("console.views.query_urls")),
    path("views/", include("console.views.saved_view_urls")),
    path("settings/", include("console.views.settings_urls")),
    path("recovery/", include("vms.recovery.urls")),
    path("tags/", include("console.views.tag_urls")),
    path("events/", live.events, name="events"),
    path("api/v1/", include("console.api")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/tokens/", tokens.listed, name="tokens"),
    path("accounts/tokens/create/", tokens.create, name="token-create"),
    path("accounts/tokens/<slug:uuid>/revoke/", tokens.revoke, name="token-revoke"),
    path("admin/", admin.site.urls),
]
