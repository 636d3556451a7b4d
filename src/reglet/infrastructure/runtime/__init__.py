"""Made at a release: the linker, the adapter and the standard library become the runtime module."""
