"""Operations: methods that answer a config, and what their signatures ask for."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar, Union, overload

from attrs import field, frozen

from reglet.application.examples import Example
from reglet.application.models.inspect import is_model, model_type, resolve_annotations
from reglet.application.models.schema import output_schema
from reglet.application.models.structure import parse_model
from reglet.application.models.types import ModelType
from reglet.application.models.unstructure import unstructure_hook, unstructure_model
from reglet.application.names import check_name, snake_case
from reglet.domain.context import Context
from reglet.domain.entities.manifest import OperationManifest
from reglet.domain.entities.result import Result
from reglet.domain.errors import DefinitionError

_FORMS = "(self), (self, ctx: Context), (self, request: Input) or (self, ctx: Context, request: Input)"


class WantedPort(NamedTuple):
    """A client that a handler asks for by a keyword-only parameter."""

    parameter: str
    port: Any
    optional: bool


class Signature(NamedTuple):
    """What a handler takes and gives. `output` is None when it answers with a Result only."""

    takes_context: bool
    input: type[Any] | None
    output: type[Any] | None
    ports: tuple[WantedPort, ...] = ()


def read_signature(handler: Callable[..., Any], what: str) -> Signature:
    """Return what a handler's signature says; `what` names it in errors.

    Raises:
        DefinitionError: it is not a handler's.
    """
    _refuse_other_kinds(handler, what)
    hints = resolve_annotations(handler, what)
    takes_context, taken = False, None
    positional, keyword = _parameters(handler, what)
    kinds = [_positional(each, hints, what) for each in positional]
    if kinds[:1] == [Context]:
        takes_context = True
        del kinds[0]
    if len(kinds) > 1 or Context in kinds:
        raise DefinitionError(f"{what} takes ({', '.join(each.name for each in positional)}); write {_FORMS}")
    if kinds:
        taken = kinds[0]
    ports = tuple(_port(each, hints, what) for each in keyword)
    return Signature(takes_context, taken, _output(hints, what), ports)


def _refuse_other_kinds(handler: object, what: str) -> None:
    if not isinstance(handler, types.FunctionType):
        raise DefinitionError(
            f"{what} is a {type(handler).__name__}; write a plain method with @reglet.operation"
        )
    if inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
        raise DefinitionError(f"{what} is async; hosts call and wait, so write `def`, not `async def`")
    if inspect.isgeneratorfunction(handler):
        raise DefinitionError(f"{what} is a generator; return its output instead of yielding")


def _parameters(
    handler: Callable[..., Any], what: str
) -> tuple[list[inspect.Parameter], list[inspect.Parameter]]:
    positional: list[inspect.Parameter] = []
    keyword: list[inspect.Parameter] = []
    for parameter in inspect.signature(handler).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise DefinitionError(
                f"{what} takes *{parameter.name}; write {_FORMS}, then ports after a bare *"
            )
        (keyword if parameter.kind is parameter.KEYWORD_ONLY else positional).append(parameter)
    if not positional:
        raise DefinitionError(f"{what} has no self; write {_FORMS}")
    return positional[1:], keyword


def _positional(parameter: inspect.Parameter, hints: dict[str, Any], what: str) -> Any:
    if parameter.name not in hints:
        raise DefinitionError(f"{what}: parameter {parameter.name} has no annotation; write {_FORMS}")
    annotation = hints[parameter.name]
    if annotation is Context or is_model(annotation):
        return annotation
    name = getattr(annotation, "__name__", annotation)
    raise DefinitionError(
        f"{what}: parameter {parameter.name} is a {name}, neither Context nor a model: decorate {name} with "
        f"@reglet.model, or make the parameter keyword-only if it is a port"
    )


def _port(parameter: inspect.Parameter, hints: dict[str, Any], what: str) -> WantedPort:
    if parameter.name not in hints:
        raise DefinitionError(
            f"{what}: port {parameter.name} has no annotation; write {parameter.name}: HTTPClient"
        )
    [*kinds] = _alternatives(hints[parameter.name])
    optional = type(None) in kinds
    ports = [kind for kind in kinds if kind is not type(None)]
    if len(ports) != 1:
        raise DefinitionError(f"{what}: port {parameter.name} is {hints[parameter.name]}; ask for one port")
    return WantedPort(parameter.name, ports[0], optional)


def _output(hints: dict[str, Any], what: str) -> type[Any] | None:
    if "return" not in hints:
        raise DefinitionError(f"{what} does not say what it returns; write -> Output or -> reglet.Result")
    kinds = [kind for kind in _alternatives(hints["return"]) if kind not in (type(None), Result)]
    if not kinds:
        return None
    if len(kinds) > 1 or not is_model(kinds[0]):
        raise DefinitionError(
            f"{what} returns {hints['return']}; write a model of yours, reglet.Result, or one of the two"
        )
    model: type[Any] = kinds[0]
    return model


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return typing.get_args(annotation)
    return (type(None) if annotation is None else annotation,)


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
    def input_type(self) -> ModelType | None:
        """The type of its input."""
        return None if self.input is None else model_type(self.input)

    @property
    def input_fields(self) -> tuple[str, ...]:
        """The names of its input's fields in JSON."""
        return () if self.input_type is None else tuple(each.name for each in self.input_type.fields)

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
            unstructure_hook(model)
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
    if model_type(model).has_secrets:
        return
    _, problems = parse_model(model, unstructure_model(value))
    if problems:
        raise DefinitionError(f"{what} does not fit: {'; '.join(problems)}")
