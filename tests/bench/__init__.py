"""Benchmarks: how long what people wait for takes with a large fleet (`make bench`)."""
