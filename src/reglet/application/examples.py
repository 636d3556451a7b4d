"""`Example`: an operation's input and what it answers, for hosts, docs and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from reglet.application.models.inspect import model_type
from reglet.application.models.unstructure import unstructure_model
from reglet.domain.entities.manifest import ExampleManifest
from reglet.domain.errors import DefinitionError

if TYPE_CHECKING:
    from reglet.application.answers import Answer

I = TypeVar("I")  # noqa: E741 - the input
O = TypeVar("O")  # noqa: E741 - the output


class Example(Generic[I, O]):
    """One call of an operation, shown to people and run as a test.

    Attributes:
        name: what people call it; unique in its operation.
        input: what the handler gets.
        expected_output: what it answers; a field left at its default is left out. None if nothing is.
        expected_error: a part of the error's message, if it is to fail; empty otherwise.
        description: more for people.
        answers: what hosts answer while it runs (`reglet.answers`).
    """

    __slots__ = ("answers", "description", "expected_error", "expected_output", "input", "name")

    @overload
    def __init__(
        self,
        name: str,
        input: I,
        *,
        expected_output: O,
        description: str = "",
        answers: Sequence[Answer] = (),
    ) -> None: ...
    @overload
    def __init__(
        self: Example[I, Any],  # pyright: ignore[reportInvalidTypeVarUse]  # or O would stay unsolved
        name: str,
        input: I,
        *,
        expected_error: str = "",
        description: str = "",
        answers: Sequence[Answer] = (),
    ) -> None: ...
    def __init__(
        self,
        name: str,
        input: I,  # noqa: A002 - the wire's own word
        *,
        expected_output: O | None = None,
        expected_error: str = "",
        description: str = "",
        answers: Sequence[Answer] = (),
    ) -> None:
        """Take the call and what comes of it: an output, an error, or neither."""
        if expected_output is not None and expected_error:
            raise DefinitionError(f"example {name!r}: it expects an output and an error; give one of the two")
        self.name = name
        self.input = input
        self.expected_output = expected_output
        self.expected_error = expected_error
        self.description = description
        self.answers = tuple(answers)

    def __repr__(self) -> str:
        """Return its name and input."""
        return f"Example({self.name!r}, {self.input!r})"

    def manifest(self) -> ExampleManifest:
        """Return what hosts show of it; secrets are redacted."""
        return ExampleManifest(
            name=self.name,
            input=_named(self.input),
            description=self.description,
            expected_output=_named(self.expected_output),
            expected_error=self.expected_error,
        )


def _named(value: Any) -> dict[str, Any] | None:
    """Return a model's fields as JSON, but for those left at their default."""
    if value is None:
        return None
    record = model_type(type(value))
    left_out = {each.name for each in record.fields if getattr(value, each.attribute) == each.default_value()}
    return {name: entry for name, entry in unstructure_model(value).items() if name not in left_out}
