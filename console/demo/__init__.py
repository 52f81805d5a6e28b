"""The demo datacenter: a lab of real hosts, or simulated ones, with the records that make it usable."""
