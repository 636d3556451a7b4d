"""WebAssembly shared libraries in, one core module out; the standard library only."""
