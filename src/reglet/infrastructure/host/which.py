"""Which file a command's name means, symlinks told apart: what the policy is asked about, and what is run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen


@frozen
class Program:
    """A program's file.

    Attributes:
        path: absolute, as found; empty when there is none.
        resolved: the file behind its symlinks; empty when there is none.
    """

    path: str = ""
    resolved: str = ""


Which: TypeAlias = Callable[[str, "str | None"], Program]
"""Finds the program that a command means when it is run in a directory."""


def which_program(command: str, directory: str | None) -> Program:
    """Return the file that `command` means on this machine: a path, or a name in this process's `PATH`."""
    if "/" in command:
        path = os.path.abspath(os.path.join(directory or os.curdir, command))  # noqa: PTH100, PTH118 - no symlinks
    else:
        found = shutil.which(command)
        path = "" if found is None else os.path.abspath(found)  # noqa: PTH100
    return Program(path, os.path.realpath(path)) if path else Program()
