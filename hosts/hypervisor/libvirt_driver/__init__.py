"""The driver for hosts that run libvirt with QEMU."""

from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor

__all__ = ["LibvirtHypervisor"]
