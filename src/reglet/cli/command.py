"""A command: its name, its arguments, and what it does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Run = Callable[[argparse.Namespace], int]
Configure = Callable[[argparse.ArgumentParser], None]


@frozen
class Command:
    """One command of `reglet-plugin`; `run` returns the exit status."""

    name: str
    summary: str
    configure: Configure
    run: Run

    def add_to(self, commands: _SubParsersAction[Any]) -> None:
        """Add the command to the parser's commands."""
        parser = commands.add_parser(self.name, help=self.summary, description=self.summary)
        self.configure(parser)
        parser.set_defaults(run=self.run)
