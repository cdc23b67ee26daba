"""Benchmarks: fdmc against known values and beside its peers; run them as modules."""
