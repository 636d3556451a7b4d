"""The runtime that plugins are built on: a release makes it, builds and hosts load it."""
