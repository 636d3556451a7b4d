"""The small modules of these tests are compiled into a cache of their own."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def compiled_modules(shared):
    """The folder of the cache."""
    return shared.once("compiled", lambda folder: folder)


@pytest.fixture(autouse=True)
def _own_cache(compiled_modules, monkeypatch):
    monkeypatch.setenv("REGLET_CACHE_DIR", str(compiled_modules))
