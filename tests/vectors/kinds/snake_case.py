"""Operation names from Go's field names."""

from __future__ import annotations

from reglet.application.names import snake_case
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal


def run(vector: Vector) -> Rule | None:
    """Compare the name."""
    must_equal(snake_case(vector["input"]), vector["expected"])
    return None
