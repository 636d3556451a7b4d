"""`@operation`: a method of a service that a config can call, with its examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar, overload

from attrs import field, frozen

from reglet.application.examples import Example
from reglet.application.models.parsing import parse_model
from reglet.application.models.reading import record_of
from reglet.application.models.schema import output_schema
from reglet.application.models.shapes import Record
from reglet.application.models.writing import write_model, writer_of
from reglet.application.names import check_name, snake_case
from reglet.application.signatures import Signature, read_signature
from reglet.domain.context import Context
from reglet.domain.entities.manifest import OperationManifest
from reglet.domain.entities.result import Result
from reglet.domain.errors import DefinitionError

F = TypeVar("F", bound=Callable[..., Any])
I = TypeVar("I")  # noqa: E741 - the input
O = TypeVar("O")  # noqa: E741 - the output
S = TypeVar("S")
P = ParamSpec("P")

_DECLARED = "__reglet_operation__"


class Declared(NamedTuple):
    """What `@operation` was told about a method."""

    description: str
    name: str | None
    examples: tuple[Example[Any, Any], ...]


class _Typed(Protocol[I, O]):  # pyright: ignore[reportInvalidTypeVarUse]  # no example stands for another's
    """A decorator for handlers that fit the examples."""

    @overload
    def __call__(
        self, handler: Callable[Concatenate[S, Context, I, P], O | Result], /
    ) -> Callable[Concatenate[S, Context, I, P], O | Result]: ...
    @overload
    def __call__(
        self, handler: Callable[Concatenate[S, I, P], O | Result], /
    ) -> Callable[Concatenate[S, I, P], O | Result]: ...
    @overload
    def __call__(
        self: _Typed[None, O], handler: Callable[Concatenate[S, Context, P], O | Result], /
    ) -> Callable[Concatenate[S, Context, P], O | Result]: ...
    @overload
    def __call__(
        self: _Typed[None, O], handler: Callable[Concatenate[S, P], O | Result], /
    ) -> Callable[Concatenate[S, P], O | Result]: ...


@overload
def operation(*, description: str = "", name: str | None = None) -> Callable[[F], F]: ...
@overload
def operation(
    *, description: str = "", name: str | None = None, examples: Sequence[Example[I, O]]
) -> _Typed[I, O]: ...
def operation(
    *, description: str = "", name: str | None = None, examples: Sequence[Example[Any, Any]] = ()
) -> Any:
    """Make a method of a service an operation.

    The method is `(self)`, `(self, ctx)`, `(self, request)` or `(self, ctx, request)`, then keyword-only
    ports by annotation. It returns its output model or a `Result`.

    Args:
        description: what it checks, for people.
        name: its name in configs; the method's, in snake case and without a trailing underscore, if None.
        examples: calls of it; their types must be the method's.
    """
    declared = Declared(description, name, tuple(examples))

    def declare(handler: F) -> F:
        if type(handler) is not FunctionType:
            raise DefinitionError(
                f"@reglet.operation stands above a {type(handler).__name__}; put it on a plain method"
            )
        setattr(handler, _DECLARED, declared)
        return handler

    return declare


def declared_on(candidate: object) -> Declared | None:
    """Return what `@operation` was told about a method, None if it is no operation."""
    declared = getattr(candidate, _DECLARED, None)
    return declared if isinstance(declared, Declared) else None


@frozen
class Operation:
    """One operation, ready to be called.

    Attributes:
        service: the name of its service.
        name: its own.
        description: what it checks, for people.
        handler: the method, bound to the service's instance.
        signature: what it takes and gives.
        examples: calls of it.
    """

    service: str
    name: str
    description: str
    handler: Callable[..., Any] = field(repr=False)
    signature: Signature
    examples: tuple[Example[Any, Any], ...] = ()

    @property
    def input(self) -> type[Any] | None:
        """The model that it takes, None if it takes no input."""
        return self.signature.input

    @property
    def output(self) -> type[Any] | None:
        """The model that it returns, None if it answers with a Result only."""
        return self.signature.output

    @property
    def record(self) -> Record | None:
        """The shape of its input."""
        return None if self.input is None else record_of(self.input)

    @property
    def input_fields(self) -> tuple[str, ...]:
        """The names of its input's fields in JSON."""
        return () if self.record is None else tuple(each.name for each in self.record.fields)

    def __str__(self) -> str:
        """Return `service.operation`."""
        return f"{self.service}.{self.name}"

    def manifest(self) -> OperationManifest:
        """Return what hosts are told of it."""
        return OperationManifest(
            name=self.name,
            description=self.description,
            input_fields=self.input_fields,
            output_schema=None if self.output is None else output_schema(self.output),
            examples=tuple(example.manifest() for example in self.examples),
        )


def make_operation(service: str, instance: object, attribute: str, declared: Declared) -> Operation:
    """Return the operation that a method of a service's instance is.

    Raises:
        DefinitionError: its name, its signature or an example cannot work.
    """
    what = f"operation {type(instance).__qualname__}.{attribute}"
    name = declared.name or snake_case(attribute).removesuffix("_")
    handler = getattr(instance, attribute)
    signature = read_signature(
        type(instance).__dict__.get(attribute) or getattr(type(instance), attribute), what
    )
    made = Operation(
        service, check_name("operation", name), declared.description, handler, signature, declared.examples
    )
    for model in (made.input, made.output):
        if model is not None:
            writer_of(model)
    _check_examples(made, what)
    return made


def _check_examples(operation: Operation, what: str) -> None:
    seen: set[str] = set()
    for example in operation.examples:
        if example.name in seen:
            raise DefinitionError(f"{what}: two examples are called {example.name!r}")
        seen.add(example.name)
        _check_type(example.input, operation.input, f"{what}: the input of example {example.name!r}")
        if example.expected_output is not None:
            _check_type(
                example.expected_output, operation.output, f"{what}: the output of example {example.name!r}"
            )
        if not example.expected_error and operation.input is not None:
            _check_input(example.input, operation.input, f"{what}: the input of example {example.name!r}")


def _check_type(value: object, model: type[Any] | None, what: str) -> None:
    if (model is None and value is not None) or (model is not None and type(value) is not model):
        wanted = "None" if model is None else model.__name__
        raise DefinitionError(f"{what} is a {type(value).__name__}; it must be {wanted}")


def _check_input(value: Any, model: type[Any], what: str) -> None:
    if record_of(model).has_secrets:
        return
    _, problems = parse_model(model, write_model(value))
    if problems:
        raise DefinitionError(f"{what} does not fit: {'; '.join(problems)}")
