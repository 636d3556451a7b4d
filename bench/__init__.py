"""Benchmarks: every row compares with a peer in the same run. Run them with `python -m bench`."""
