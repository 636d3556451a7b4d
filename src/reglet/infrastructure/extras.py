"""The extras of the `reglet` package, and the error where a package of one is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from reglet.domain.errors import RegletError

Extra: TypeAlias = Literal["build", "host", "registry", "component", "test", "dev"]
"""The extras, as `pip install 'reglet[…]'` names them."""

EXTRAS: Mapping[Extra, Mapping[str, str]] = {
    "build": {"wasmtime": "wasmtime", "platformdirs": "platformdirs", "yaml": "PyYAML", "jinja2": "Jinja2"},
    "host": {"h2": "h2", "dns": "dnspython"},
    "registry": {"oras": "oras"},
    "component": {"componentize_py": "componentize-py"},
    "test": {"pytest": "pytest", "jsonschema": "jsonschema", "hypothesis": "hypothesis"},
    "dev": {"watchfiles": "watchfiles", "rich": "rich"},
}
"""What each extra adds: importable names, and the packages that bring them.

`host` and `registry` have all of `build` too, and `dev` all of `test`.
"""


def add_with(extra: Extra) -> str:
    """Return what to type to get the packages of an extra, as the end of a message."""
    return f"add it with: pip install 'reglet[{extra}]'"


def extra_of(module: str | None) -> Extra | None:
    """Return the extra that brings a module, None if none does."""
    top = (module or "").partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


class MissingPackageError(RegletError):
    """A package is not installed; the message has the pip line that adds it."""

    error_type = "config"

    def __init__(self, package: str, extra: Extra = "host") -> None:
        """Name the package, and the extra that brings it."""
        super().__init__(f"{package} is not installed; {add_with(extra)}")
        self.package = package

    @property
    def code(self) -> str:
        """`missing_package`."""
        return "missing_package"
