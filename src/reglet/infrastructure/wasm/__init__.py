"""Leaf: the WebAssembly binary format, read and written."""
