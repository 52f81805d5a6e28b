from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from console.dashboard import dashboard
from console.views import health

urlpatterns = [
    path("", dashboard, name="dashboard"),
    path("vms/", include("vms.urls")),
    path("hosts/", include("hosts.urls")),
    path("operations/", include("console.views.urls")),
    path("api/v1/", include("console.api")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
