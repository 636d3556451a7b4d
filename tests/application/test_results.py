"""Tracebacks for authors, and errors in a line."""

from __future__ import annotations

import linecache
from collections.abc import Callable

import reglet
from reglet.application.dispatch import Dispatcher
from reglet.application.models.from_json import parse_model
from reglet.application.results import author_traceback, one_line


def _raised(function: Callable[[], object]) -> BaseException:
    try:
        function()
    except BaseException as error:  # noqa: BLE001 - that is what is tested
        return error
    raise AssertionError("nothing was raised")


def test_frames_of_ours_are_left_out():
    """Also between the author's own."""
    error = _raised(lambda: Dispatcher([None], None))  # type: ignore[list-item]
    text = author_traceback(error)
    assert "reglet/application" not in text.replace("\\", "/").replace("tests/application", "")
    assert "test_results.py" in text
    assert text.endswith("AttributeError: 'NoneType' object has no attribute 'input'\n")


def test_causes_and_contexts_are_told_too():
    """They are half of the story."""

    def fail() -> None:
        try:
            {}["first"]
        except KeyError as error:
            raise ValueError("second") from error

    text = author_traceback(_raised(fail))
    assert text.index("KeyError: 'first'") < text.index("direct cause") < text.index("ValueError: second")


def test_each_error_of_a_group_is_told():
    """A group is more than its message."""

    def fail() -> None:
        raise ExceptionGroup("several", [ValueError("one"), KeyError("two")])

    text = author_traceback(_raised(fail))
    assert "ValueError: one" in text
    assert "KeyError: 'two'" in text


def test_an_endless_recursion_is_told_in_a_few_lines():
    """It has a thousand frames."""

    def again() -> None:
        again()

    text = author_traceback(_raised(again))
    assert "RecursionError" in text
    assert len(text.splitlines()) < 40


def test_a_long_message_is_cut():
    """A Result has its limits; the end says most."""

    def fail() -> None:
        raise ValueError("x" * 100_000 + "the end")

    text = author_traceback(_raised(fail))
    assert len(text) < 17_000
    assert text.endswith("the end\n")


def test_source_lines_come_from_where_a_build_leaves_them():
    """There are no files inside a guest."""
    name = "/plugin/not/there.py"
    source = "def fail():\n    raise ValueError('kept')\n"
    names: dict[str, Callable[[], object]] = {}
    exec(compile(source, name, "exec"), names)
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        assert "raise ValueError('kept')" in author_traceback(_raised(names["fail"]))
    finally:
        del linecache.cache[name]


class _UnsayableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_an_error_is_told_in_a_line():
    """Also one without text, and one whose text cannot be had."""
    assert one_line(ValueError("x")) == "ValueError: x"
    assert one_line(ValueError()) == "ValueError"
    assert one_line(_UnsayableError()) == "_UnsayableError: <its message cannot be had: RuntimeError>"


@reglet.model
class Broken:
    """A model whose own rule has a bug."""

    low: int

    def __attrs_post_init__(self) -> None:
        """Raise what is no problem of the config."""
        raise RuntimeError("a bug")


@reglet.model
class Many:
    """Several of them."""

    ranges: list[Broken]


def test_a_bug_in_a_models_own_rule_shows_the_authors_frames_alone():
    """Not those of what structured the model, nor its notes."""

    def fail() -> None:
        parse_model(Many, {"ranges": [{"low": 1}]})

    text = author_traceback(_raised(fail))
    assert "__attrs_post_init__" in text
    assert "attrs generated" not in text
    assert "Structuring" not in text
