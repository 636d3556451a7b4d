"""What can be wrong with a command line."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from reglet.domain.errors import RegletError


class UsageError(RegletError):
    """A command was called in a way that cannot work; the text says how it can."""

    error_type = "config"


_EXTRAS = {
    "build": ("wasmtime", "rich", "platformdirs"),
    "host": ("wasmtime", "rich", "platformdirs", "httpx", "dns", "cryptography"),
    "registry": ("wasmtime", "rich", "platformdirs", "oras", "requests", "yaml"),
    "component": ("componentize_py",),
    "test": ("pytest", "jsonschema"),
}


def missing_extra(name: str | None) -> str | None:
    """Return the extra that brings a package, None if none does."""
    package = (name or "").partition(".")[0]
    return next((extra for extra, names in _EXTRAS.items() if package in names), None)


def _installed(name: str) -> bool:
    return find_spec(name) is not None


def require_extra(extra: str, command: str, there: Callable[[str], bool] = _installed) -> None:
    """Raise `UsageError` with the pip line that adds `extra`, if a package of it is not `there`."""
    missing = [name for name in _EXTRAS[extra] if not there(name)]
    if missing:
        names = ", ".join(missing)
        raise UsageError(f"{command} needs {names}, which is not installed: pip install 'reglet[{extra}]'")
