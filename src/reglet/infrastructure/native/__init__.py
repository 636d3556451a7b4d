"""The ports over the real network and real processes, for CPython."""
