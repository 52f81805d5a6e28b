"""Addresses of the pages of global configurations."""

from django.urls import path

from console.views import settings

app_name = "settings"

urlpatterns = [
    path("", settings.config_list, name="list"),
    path("history/", settings.history, name="history"),
    path("<str:category>/<str:name>/", settings.config_detail, name="detail"),
    path("<str:category>/<str:name>/reset/", settings.config_reset, name="reset"),
]
