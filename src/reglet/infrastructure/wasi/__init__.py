"""Leaf: WASI preview 1 in Python over trees of files, for builds and for runs."""
