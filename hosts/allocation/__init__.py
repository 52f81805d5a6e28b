"""Choosing a host and storages for a VM: pure rules over plain values, every refusal with its reason."""
