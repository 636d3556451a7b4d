"""Makes the runtime that plugins are built on: the linker, the adapter and the standard library."""
