"""Flows of VMs."""
