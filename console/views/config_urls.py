"""Addresses of the pages of global configurations."""

from django.urls import path

from console.views import config

app_name = "settings"

urlpatterns = [
    path("", config.config_list, name="list"),
    path("history/", config.config_history, name="history"),
    path("<str:category>/<str:name>/", config.config_edit, name="edit"),
    path("<str:category>/<str:name>/reset/", config.config_reset, name="reset"),
]
