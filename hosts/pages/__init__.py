"""Pages of places, machines and storage."""
