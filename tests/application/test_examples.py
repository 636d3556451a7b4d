"""Which fields of an example's input and output are said."""

from __future__ import annotations

import reglet


@reglet.model
class Asked:
    """A name, and how often."""

    name: str
    times: int = 1
    tags: list[str] = reglet.field(factory=list)


def test_a_field_left_at_its_default_is_not_said() -> None:
    """So that an example need not predict how long a call takes."""
    example = reglet.Example("one", Asked("x"), expected_output=Asked("y", times=2))
    assert example.manifest().input == {"name": "x"}
    assert example.manifest().expected_output == {"name": "y", "times": 2}


def test_a_required_field_is_said_whatever_its_value() -> None:
    """It has no default to be left at."""
    assert reglet.Example("one", Asked("")).manifest().input == {"name": ""}


def test_what_is_not_expected_is_not_said() -> None:
    """None is not an output."""
    assert reglet.Example("one", Asked("x"), expected_error="no").manifest().expected_output is None
