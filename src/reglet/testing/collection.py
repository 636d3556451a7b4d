"""A plugin project's examples as pytest items, so that they run without any test code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reglet.domain.errors import RegletError
from reglet.testing.examples import ExampleCase, ExampleFailed, examples_of, run_example

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr


class ExampleFile(pytest.File):
    """A project's `pyproject.toml`, which names the plugin whose examples these are."""

    def collect(self) -> Iterator[ExampleItem]:
        """Yield an item an example."""
        from reglet.testing.pytest_plugin import projects_of

        try:
            plugin = projects_of(self.config).plugin(self.path.parent)
        except RegletError as error:
            raise self.CollectError(f"{error}\n{getattr(error, 'traceback', '')}".rstrip()) from error
        for case in examples_of(plugin):
            item: ExampleItem = ExampleItem.from_parent(self, name=case.id, case=case)
            yield item


class ExampleItem(pytest.Item):
    """One example, run against its answers."""

    def __init__(self, *, case: ExampleCase, **arguments: Any) -> None:
        """Run `case`."""
        super().__init__(**arguments)
        self.case = case
        self.add_marker("reglet_example")

    def runtest(self) -> None:
        """Run it."""
        run_example(self.case)

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """Return what differs; the kit's own frames say nothing to an author."""
        if isinstance(excinfo.value, ExampleFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the example is named."""
        return self.path, None, f"example {self.case.id}"
