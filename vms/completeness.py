"""Whether a VM has all that it starts from: a creation that could not be taken back may have left less."""

from collections.abc import Iterable

from vms.models import VmInstance, Volume, VolumeStatus


def why_incomplete(vm: VmInstance, volumes: Iterable[Volume]) -> str:
    """Why a VM has not all that it starts from, so that it can only be destroyed; empty when it has."""
    if vm.root_volume_id is None:
        return f"VM {vm.name} has no root volume any more and cannot start; it can only be destroyed"
    unmade = sorted(volume.name for volume in volumes if volume.status != VolumeStatus.READY)
    if not unmade:
        return ""
    were = f"its volume {unmade[0]} was" if len(unmade) == 1 else f"its volumes {', '.join(unmade)} were"
    return f"VM {vm.name} cannot start, since {were} never made completely; destroy it"
