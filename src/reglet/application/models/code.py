"""Functions written out as code: quicker than loops over fields, where every check runs them."""

from __future__ import annotations

from typing import Any


class Code:
    """Lines of a function, and the values that they name."""

    def __init__(self, **names: Any) -> None:
        """Begin with values under names of their own."""
        self._lines: list[str] = []
        self._names = names

    def name(self, value: Any) -> str:
        """Return a name by which the code knows `value`."""
        name = f"n{len(self._names)}"
        self._names[name] = value
        return name

    def add(self, line: str, depth: int = 1) -> None:
        """Add a line."""
        self._lines.append("    " * depth + line)

    def function(self, name: str, subject: str) -> Any:
        """Return the function `name` that the lines define; `subject` stands for them in tracebacks."""
        source = compile("\n".join(self._lines), f"<reglet {name} of {subject}>", "exec")
        exec(source, self._names)  # noqa: S102 - it is made of our own names and constants, never of a config
        return self._names[name]
