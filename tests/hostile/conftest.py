"""The small modules of these tests are compiled into the cache of those of the host."""

from tests.host.conftest import _own_cache, compiled_modules

__all__ = ["_own_cache", "compiled_modules"]
