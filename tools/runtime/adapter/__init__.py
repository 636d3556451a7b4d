"""WASI 0.2 on preview 1, the Reglet ABI and the embedding of CPython: C, and the module built from it."""
