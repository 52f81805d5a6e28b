"""The libvirt driver, loaded when a test wants it: the rest of the suite runs where libvirt-python is missing."""

import importlib

import pytest

from hosts.hypervisor.port import Hypervisor


def libvirt_driver() -> type[Hypervisor]:
    pytest.importorskip("libvirt", reason="libvirt-python is not installed")
    driver: type[Hypervisor] = importlib.import_module("hosts.hypervisor.libvirt_driver.adapter").LibvirtHypervisor
    return driver


def libvirt_host(uri: str, name: str) -> Hypervisor:
    return libvirt_driver()(uri, name)  # type: ignore[call-arg]
