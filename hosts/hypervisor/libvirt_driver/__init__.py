"""The driver for hosts that run libvirt with QEMU.

Only `adapter` needs libvirt: what converts to XML can be imported without it.
"""
