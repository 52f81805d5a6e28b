"""Writes of primary storages and image stores (semantics §8.1, §8.8)."""

import os
from pathlib import Path, PurePosixPath

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from console.cascade import get_or_refuse
from console.errors import InvalidArgument, Refusal
from console.models import Enablement, Operation
from console.naming import new_uuid
from console.resources import check_new, insert, update_row
from hosts.models import Cluster, ImageStore, LeftoverKind, PrimaryStorage, PrimaryStorageType, Zone
from hosts.realise import keep, leave_behind, realise
from hosts.states import target_of

#: folders of a host that hold its own system; a pool over one of them would offer its files as disks
SYSTEM_FOLDERS = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "usr")


def path_problem(path: str) -> str:
    """Why a folder cannot hold disks or images, as one sentence; empty when it can."""
    pure = PurePosixPath(path)
    if not pure.is_absolute() or ".." in pure.parts or "\0" in path or "\n" in path:
        return f'"{path}" is not an absolute path, such as /srv/corral.'
    if len(pure.parts) < 2 or pure.parts[1] in SYSTEM_FOLDERS:
        return f"{path} belongs to the system; use a folder of its own, such as /srv/corral."
    return ""


def create_primary_storage(
    *,
    name: str,
    zone_uuid: str,
    url: str,
    description: str | None = None,
    resource_uuid: str | None = None,
) -> PrimaryStorage:
    """A folder that all hosts of the clusters it is attached to mount at the same path."""
    check_new(PrimaryStorage, name=name, description=description, resource_uuid=resource_uuid)
    if problem := path_problem(url):
        raise InvalidArgument(problem, field="url")
    zone = get_or_refuse(Zone, zone_uuid, "zoneUuid")
    folder = str(PurePosixPath(url))
    if twin := PrimaryStorage.objects.filter(zone=zone, url=folder).first():
        raise InvalidArgument(f"Primary storage {twin.name} of this zone is {folder} already", field="url")
    storage = PrimaryStorage(
        uuid=resource_uuid or new_uuid(),
        name=name,
        description=description,
        zone=zone,
        url=folder,
        type=PrimaryStorageType.SHARED_MOUNT_POINT,
    )
    insert(storage)
    return storage


def attach_primary_storage(*, uuid: str, cluster_uuid: str, user: AbstractBaseUser | None = None) -> list[Operation]:
    """Offer a storage to a cluster's VMs; its connected hosts get the pool now, the others when they connect."""
    storage = get_or_refuse(PrimaryStorage, uuid, "primaryStorageUuid")
    cluster = get_or_refuse(Cluster, cluster_uuid, "clusterUuid")
    if storage.zone_id != cluster.zone_id:
        raise InvalidArgument(
            f"Primary storage {storage.name} and cluster {cluster.name} are in different zones", field="clusterUuid"
        )
    with transaction.atomic():
        storage.clusters.add(cluster)
        keep(LeftoverKind.POOL, storage.pk, [cluster.pk])
        return realise([cluster.pk], f"storage {storage.name} attached", user)


def detach_primary_storage(*, uuid: str, cluster_uuid: str, user: AbstractBaseUser | None = None) -> list[Operation]:
    """Take a storage from a cluster. Refused while VMs that run or migrate there use it; detached is success."""
    storage = get_or_refuse(PrimaryStorage, uuid, "primaryStorageUuid")
    cluster = get_or_refuse(Cluster, cluster_uuid, "clusterUuid")
    with transaction.atomic():
        PrimaryStorage.objects.select_for_update().get(pk=storage.pk)
        there = Q(vm__host__cluster=cluster) | Q(vm__target_host__cluster=cluster)
        users = storage.volumes.filter(there).values_list("vm__name", flat=True).distinct()
        if names := list(users[:6]):
            raise Refusal(
                f"Storage {storage.name} cannot be detached from cluster {cluster.name}: "
                f"VMs that run there have volumes on it ({', '.join(map(str, names[:5]))}{' …' if names[5:] else ''})"
            )
        storage.clusters.remove(cluster)
        concerned = leave_behind([(LeftoverKind.POOL, storage.pk, frozenset([cluster.pk]))])
        return realise(concerned, f"storage {storage.name} detached", user)


def change_primary_storage_state(*, uuid: str, event: str) -> PrimaryStorage:
    """A disabled storage takes no new volumes; those on it stay in use."""
    state = target_of(event)
    storage: PrimaryStorage = get_or_refuse(PrimaryStorage, uuid)
    PrimaryStorage.objects.filter(pk=uuid).exclude(state=state).update(state=state)
    return storage


def update_primary_storage(*, uuid: str, name: str, description: str | None = None) -> None:
    update_row(get_or_refuse(PrimaryStorage, uuid), name=name, description=description)


def create_image_store(
    *, name: str, url: str, description: str | None = None, resource_uuid: str | None = None
) -> ImageStore:
    """A folder on the console's own machine; it is made when it does not exist."""
    check_new(ImageStore, name=name, description=description, resource_uuid=resource_uuid)
    if problem := path_problem(url):
        raise InvalidArgument(problem, field="url")
    folder = Path(url)
    if twin := ImageStore.objects.filter(url=str(folder)).first():
        raise InvalidArgument(f"Image store {twin.name} is {folder} already", field="url")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgument(f"The console cannot make {folder}: {error.strerror}", field="url") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidArgument(f"The console may not write to {folder}", field="url")
    store = ImageStore(uuid=resource_uuid or new_uuid(), name=name, description=description, url=str(folder))
    insert(store)
    return store


def update_image_store(*, uuid: str, name: str, description: str | None = None) -> None:
    update_row(get_or_refuse(ImageStore, uuid), name=name, description=description)


def change_image_store_state(*, uuid: str, event: str) -> ImageStore:
    """A disabled store takes no new images; those in it stay in use."""
    state: Enablement = target_of(event)
    store: ImageStore = get_or_refuse(ImageStore, uuid)
    ImageStore.objects.filter(pk=uuid).exclude(state=state).update(state=state)
    return store


def attach_image_store(*, uuid: str, zone_uuid: str, user: AbstractBaseUser | None = None) -> None:
    """The zone's VMs may be made from its images."""
    get_or_refuse(ImageStore, uuid, "backupStorageUuid").zones.add(get_or_refuse(Zone, zone_uuid, "zoneUuid"))


def detach_image_store(*, uuid: str, zone_uuid: str, user: AbstractBaseUser | None = None) -> None:
    """Detaching from a zone destroys nothing (semantics §8.8)."""
    get_or_refuse(ImageStore, uuid, "backupStorageUuid").zones.remove(get_or_refuse(Zone, zone_uuid, "zoneUuid"))
