"""Storage pools and volumes of a host, and files carried into and out of them."""

import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import libvirt

from hosts.hypervisor.errors import HypervisorError, PoolNotFound, VolumeExists, VolumeNotFound
from hosts.hypervisor.libvirt_driver.connection import Part, hypervisor_call
from hosts.hypervisor.libvirt_driver.storage_xml import file_xml, pool_info, pool_xml, volume_info, volume_xml
from hosts.hypervisor.libvirt_driver.transfer import download, same_head, upload_file
from hosts.hypervisor.port import Progress
from hosts.hypervisor.spec import PoolInfo, VolumeInfo, VolumeSpec

#: seconds to wait for a pool that another call is writing to, and between two looks at it
BUSY_PATIENCE, BUSY_PAUSE = 10.0, 0.05


class StorageCalls(Part):
    """The port's methods about storage."""

    @hypervisor_call
    def ensure_pool(self, name: str, path: str) -> PoolInfo:
        connection = self.link.get()
        pool = _lookup_pool(connection, name)
        if pool is None:
            pool = connection.storagePoolDefineXML(pool_xml(name, path))
            _start_new(pool)
        else:
            _refuse_other_path(pool, path)
            _start(pool)
        if not pool.autostart():
            pool.setAutostart(1)
        return _pool_info(pool)

    @hypervisor_call
    def pool(self, name: str) -> PoolInfo:
        return _pool_info(_pool(self.link.get(), name))

    @hypervisor_call
    def remove_pool(self, name: str) -> None:
        pool = _lookup_pool(self.link.get(), name)
        if pool is None:
            return
        if pool.isActive():
            pool.destroy()
        if pool.isPersistent():
            pool.undefine()

    @hypervisor_call
    def volumes(self, pool: str) -> Mapping[str, VolumeInfo]:
        found = _pool(self.link.get(), pool)
        _refresh(found)
        infos = map(_volume_info, found.listAllVolumes())
        return {info.name: info for info in infos if info is not None}

    @hypervisor_call
    def volume(self, pool: str, name: str) -> VolumeInfo | None:
        volume = _find(_pool(self.link.get(), pool), name)
        return None if volume is None else _volume_info(volume)

    @hypervisor_call
    def create_volume(self, spec: VolumeSpec) -> VolumeInfo:
        pool = _pool(self.link.get(), spec.pool)
        _refresh(pool)
        if _lookup_volume(pool, spec.name) is not None:
            raise VolumeExists(f"Storage pool {spec.pool} already holds a volume {spec.name}.")
        backing = _backing_path(pool, spec)
        return volume_info(pool.createXML(volume_xml(spec, backing)).XMLDesc())

    @hypervisor_call
    def upload_volume(self, pool: str, name: str, source: Path, progress: Progress | None = None) -> VolumeInfo:
        connection = self.link.get()
        found = _pool(connection, pool)
        present = _find(found, name)
        if present is not None and not same_head(connection, present, source):
            _delete(present)
            present = None
        if present is None:
            volume = found.createXML(file_xml(name))
            try:
                upload_file(connection, volume, source, progress)
            except BaseException:
                _forget(volume)
                raise
            _refresh(found)
        return volume_info(_known(found, name).XMLDesc())

    @hypervisor_call
    def download_volume(self, pool: str, name: str, limit: int = 1 << 20) -> bytes:
        connection = self.link.get()
        return download(connection, _known(_pool(connection, pool), name), limit)

    @hypervisor_call
    def delete_volume(self, pool: str, name: str) -> None:
        volume = _find(_pool(self.link.get(), pool), name)
        if volume is not None:
            _delete(volume)


def _lookup_pool(connection: Any, name: str) -> Any | None:
    try:
        return connection.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
            return None
        raise


def _pool(connection: Any, name: str) -> Any:
    pool = _lookup_pool(connection, name)
    if pool is None:
        raise PoolNotFound(f"The host knows no storage pool {name}.")
    return pool


def _refuse_other_path(pool: Any, path: str) -> None:
    """Volumes are found by their pool's name: the same name over another directory would be other volumes."""
    held = pool_info(pool.XMLDesc(), active=True).path
    if PurePosixPath(held) != PurePosixPath(path):
        raise HypervisorError(f"Storage pool {pool.name()} lies over {held}, not over {path}.")


def _start_new(pool: Any) -> None:
    """A pool that cannot run is not left behind."""
    try:
        _start(pool)
    except libvirt.libvirtError:
        pool.undefine()
        raise


def _start(pool: Any) -> None:
    """Start the pool, making its directory where there is none."""
    if pool.isActive():
        return
    try:
        pool.create()
    except libvirt.libvirtError:
        if pool.isActive():
            return
        pool.build()
        pool.create()


def _pool_info(pool: Any) -> PoolInfo:
    if pool.isActive():
        _refresh(pool)
    return pool_info(pool.XMLDesc(), bool(pool.isActive()))


def _refresh(pool: Any) -> None:
    """Make libvirt look at the directory; it refuses while a volume is made there, which does not last."""
    give_up = time.monotonic() + BUSY_PATIENCE
    while True:
        try:
            pool.refresh()
            return
        except libvirt.libvirtError as error:
            if "asynchronous jobs" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(BUSY_PAUSE)


def _lookup_volume(pool: Any, name: str) -> Any | None:
    try:
        return pool.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL:
            return None
        raise


def _find(pool: Any, name: str) -> Any | None:
    """The volume as it is on the storage now, whatever libvirt remembers."""
    _refresh(pool)
    return _lookup_volume(pool, name)


def _known(pool: Any, name: str) -> Any:
    volume = _find(pool, name)
    if volume is None:
        raise VolumeNotFound(f"Storage pool {pool.name()} holds no volume {name}.")
    return volume


def _backing_path(pool: Any, spec: VolumeSpec) -> str | None:
    if spec.backing is None:
        return None
    volume = _lookup_volume(pool, spec.backing)
    if volume is None:
        raise VolumeNotFound(f"Storage pool {spec.pool} holds no volume {spec.backing} to clone.")
    path: str = volume.path()
    return path


def _volume_info(volume: Any) -> VolumeInfo | None:
    """None when the volume has gone since it was listed."""
    try:
        return volume_info(volume.XMLDesc())
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL:
            return None
        raise


def _delete(volume: Any) -> None:
    try:
        volume.delete()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise


def _forget(volume: Any) -> None:
    """Remove what an aborted transfer has left; where that fails, the next upload replaces it."""
    try:
        volume.delete()
    except libvirt.libvirtError:
        return
