"""Flows of hosts."""
