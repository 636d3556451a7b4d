"""The error for a package that this room needs and that is not installed."""

from __future__ import annotations

from reglet.domain.errors import RegletError


class MissingPackageError(RegletError):
    """A package is not installed; the text has the pip line that adds it."""

    error_type = "config"

    def __init__(self, package: str) -> None:
        """Name the package."""
        super().__init__(f"{package} is not installed; add it with: pip install 'reglet[host]'")
        self.package = package

    @property
    def code(self) -> str:
        """`missing_package`."""
        return "missing_package"
