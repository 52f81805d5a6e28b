"""Addresses of people's views of lists."""

from django.urls import path

from console.views import saved_views

app_name = "views"

urlpatterns = [
    path("new/", saved_views.create, name="create"),
    path("<int:pk>/", saved_views.edit, name="edit"),
    path("<int:pk>/keep/", saved_views.keep, name="keep"),
    path("<int:pk>/delete/", saved_views.delete, name="delete"),
]
