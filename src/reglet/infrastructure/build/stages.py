"""What a build is doing, told while it does it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import attrs


@attrs.frozen
class Stage:
    """A part of a build.

    Attributes:
        name: what is done.
        seconds: how long it took; None while it is under way.
    """

    name: str
    seconds: float | None = None


class Progress(Protocol):
    """Told of each stage twice: when it begins and when it has ended."""

    def __call__(self, stage: Stage) -> None:
        """Take note."""
        ...


def silent(stage: Stage) -> None:
    """Take no note."""
    del stage


class Stages:
    """Times the stages of one build."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.ended: list[Stage] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run a stage; one that fails is not told as ended."""
        self._progress(Stage(name))
        start = time.perf_counter()
        yield
        ended = Stage(name, time.perf_counter() - start)
        self.ended.append(ended)
        self._progress(ended)
