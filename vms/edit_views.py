"""/vms/<uuid>/edit/: the name and the description of a VM."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from console.errors import Refusal
from console.forms import NamedForm
from console.pages.cells import address
from console.pages.views import row_or_404
from console.permissions import needs
from vms.models import VmInstance
from vms.services import update_vm

ABOUT = (
    "The name changes here at once; title and description of its domain on the host follow at the next start. "
    "The hostname does not change."
)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(VmInstance, "change")
def edit(request: HttpRequest, uuid: str) -> HttpResponse:
    """Change them; a record only, so that it does not matter what is being done to the VM."""
    vm = row_or_404(VmInstance.objects.visible(), uuid)
    initial = {"name": vm.name, "description": vm.description}
    form = NamedForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            vm = update_vm(uuid, {name: form.cleaned_data[name] for name in initial})
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, f"{vm.name} was saved.")
            return redirect(address(vm))
    form.open_at_first()
    context = {
        "pages": {"space": "vms", "title": "Virtual machines"},
        "form": form,
        "row": vm,
        "title": f"Edit {vm.name}",
        "about": ABOUT,
        "submit": "Save",
        "back": address(vm),
    }
    return render(request, "resources/form.html", context)
