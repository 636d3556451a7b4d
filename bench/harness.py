"""Rows, how they are measured, and how they are printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator

from attrs import field, frozen


class Unavailable(Exception):  # noqa: N818 - an outcome
    """A row cannot run here; the text says what is missing."""


def seconds_per_call(function: Callable[[], object], number: int) -> Callable[[], float]:
    """Return what runs `function` `number` times and answers with the seconds that one call took."""

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(number):
            function()
        return (time.perf_counter() - start) / number

    return measure


def duration(seconds: float) -> str:
    """Return seconds as a person reads them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


@frozen
class Row:
    """One comparison. `ours` and `peer` each run once and return seconds, a call's or a whole run's.

    `goal` is the greatest ratio of ours to the peer's that is good enough; None if it is shown only. Where
    something else than time is compared, `shown` writes it.
    """

    name: str
    ours: Callable[[], float]
    peer_name: str
    peer: Callable[[], float]
    goal: float | None = None
    runs: int = 15
    shown: Callable[[float], str] = duration


@frozen
class Measurement:
    """What a row gave: medians, and the median of the ratios of neighbouring runs."""

    row: Row
    ours: float
    peer: float
    ratio: float = field()

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached; a row without one always is."""
        return self.row.goal is None or self.ratio <= self.row.goal


def measure(row: Row) -> Measurement:
    """Run both sides in turn, so that what disturbs one disturbs the other."""
    if row.runs > 1:
        row.ours()
        row.peer()
    pairs = [(row.ours(), row.peer()) for _ in range(row.runs)]
    return Measurement(
        row,
        statistics.median(ours for ours, _ in pairs),
        statistics.median(peer for _, peer in pairs),
        statistics.median(ours / peer for ours, peer in pairs),
    )


def table(measurements: Iterable[Measurement]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| what | ours | peer | ratio | goal | |"
    yield "|---|---|---|---|---|---|"
    for each in measurements:
        goal = "" if each.row.goal is None else f"≤ {each.row.goal:g}"
        verdict = "" if each.row.goal is None else "met" if each.is_met else "**missed**"
        yield (
            f"| {each.row.name} | {each.row.shown(each.ours)} "
            f"| {each.row.peer_name}: {each.row.shown(each.peer)} "
            f"| {each.ratio:.2f} | {goal} | {verdict} |"
        )
