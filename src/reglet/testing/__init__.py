"""Fakes, plugin tests, record and replay, audit."""
