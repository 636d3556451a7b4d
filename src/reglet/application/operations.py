"""Operations: methods that answer a config, and what their signatures ask for."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Sequence
from types import FunctionType, NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, overload

from attrs import field, frozen

from reglet.application.examples import Example
from reglet.application.models.from_json import parse_model
from reglet.application.models.json_schema import output_schema
from reglet.application.models.model_types import ModelType, is_model, model_type, resolve_annotations
from reglet.application.models.to_json import TypeMismatchError, model_to_json, output_writer
from reglet.application.names import check_name, snake_case
from reglet.domain.context import Context
from reglet.domain.entities.manifest import OperationManifest
from reglet.domain.entities.result import Result
from reglet.domain.errors import DefinitionError

if TYPE_CHECKING:
    from reglet.application.handler_types import Plain, WithExamples

_FORMS = "(self), (self, ctx: Context), (self, request: Input) or (self, ctx: Context, request: Input)"


@frozen
class WantedPort:
    """A client that a handler asks for by a keyword-only parameter."""

    parameter: str
    port: Any
    optional: bool


@frozen
class Signature:
    """What a handler takes and returns.

    Attributes:
        takes_context: whether it takes the `Context`.
        input: the model that it takes, if any.
        output: the model that it returns; None if it answers with a Result only.
        ports: the clients that it asks for.
        may_return_none: whether its declared return type includes None.
    """

    takes_context: bool
    input: type[Any] | None
    output: type[Any] | None
    ports: tuple[WantedPort, ...] = ()
    may_return_none: bool = False


def read_signature(handler: Callable[..., Any], what: str) -> Signature:
    """Read a handler's signature; `what` names it in errors.

    Raises:
        DefinitionError: it is not a handler's.
    """
    if not isinstance(handler, FunctionType):
        raise DefinitionError(
            f"{what} is a {type(handler).__name__}; write a plain method with @reglet.operation()"
        )
    if inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
        raise DefinitionError(f"{what} is async; hosts call and wait, so write `def`, not `async def`")
    if inspect.isgeneratorfunction(handler):
        raise DefinitionError(f"{what} is a generator; return its output instead of yielding")
    hints = resolve_annotations(handler, what)
    positional: list[inspect.Parameter] = []
    ports: list[WantedPort] = []
    for parameter in inspect.signature(handler).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            raise DefinitionError(
                f"{what} takes {stars}{parameter.name}; write {_FORMS}, then ports after a bare *"
            )
        if parameter.kind is parameter.KEYWORD_ONLY:
            ports.append(_wanted_port(parameter, hints, what))
        else:
            positional.append(parameter)
    first = positional[0].name if positional else ""
    kind = hints.get(first)  # of what was meant to be the second, where self was forgotten
    if not first or (first != "self" and (kind is Context or is_model(kind) or first in ("ctx", "request"))):
        raise DefinitionError(f"{what} has no self; write {_FORMS}")
    taken = [_context_or_model(each, hints, what) for each in positional[1:]]
    takes_context = taken[:1] == [Context]
    inputs = taken[1:] if takes_context else taken
    if len(inputs) > 1 or Context in inputs:
        names = ", ".join(each.name for each in positional[1:])
        raise DefinitionError(f"{what} takes ({names}); write {_FORMS}")
    output, may_return_none = _output(hints, what)
    return Signature(takes_context, inputs[0] if inputs else None, output, tuple(ports), may_return_none)


def _context_or_model(parameter: inspect.Parameter, hints: dict[str, Any], what: str) -> Any:
    if parameter.name not in hints:
        raise DefinitionError(f"{what}: parameter {parameter.name} has no annotation; write {_FORMS}")
    annotation = hints[parameter.name]
    if annotation is Context or is_model(annotation):
        return annotation
    name = getattr(annotation, "__name__", annotation)
    advice = "write a class with @reglet.model for the input"
    if getattr(annotation, "_is_protocol", False):
        advice = f"a port is keyword-only: write *, {parameter.name}: {name}"
    elif isinstance(annotation, type) and annotation.__module__ != "builtins":
        advice = f"decorate {name} with @reglet.model, or write *, {parameter.name}: {name} if it is a port"
    raise DefinitionError(
        f"{what}: parameter {parameter.name} is of type {name}, neither Context nor a model: {advice}"
    )


def _wanted_port(parameter: inspect.Parameter, hints: dict[str, Any], what: str) -> WantedPort:
    if parameter.name not in hints:
        raise DefinitionError(
            f"{what}: port {parameter.name} has no annotation; write {parameter.name}: HTTPClient"
        )
    [*kinds] = _alternatives(hints[parameter.name])
    optional = NoneType in kinds
    ports = [kind for kind in kinds if kind is not NoneType]
    if len(ports) != 1:
        raise DefinitionError(f"{what}: port {parameter.name} is {hints[parameter.name]}; ask for one port")
    if is_model(ports[0]):
        raise DefinitionError(
            f"{what}: port {parameter.name} is the model {ports[0].__name__}; an input stands before the *"
        )
    return WantedPort(parameter.name, ports[0], optional)


def _output(hints: dict[str, Any], what: str) -> tuple[type[Any] | None, bool]:
    """Return the model that a handler returns, and whether it may return None."""
    if "return" not in hints:
        raise DefinitionError(f"{what} does not say what it returns; write -> Output or -> reglet.Result")
    kinds = _alternatives(hints["return"])
    models = [kind for kind in kinds if kind not in (NoneType, Result)]
    if len(models) > 1 or not all(map(is_model, models)):
        returned = hints["return"]
        name = returned.__name__ if isinstance(returned, type) else returned
        raise DefinitionError(
            f"{what} returns {name}; write a model of yours, reglet.Result, or one of the two; "
            "a model is a class with @reglet.model"
        )
    return models[0] if models else None, NoneType in kinds


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (Union, UnionType):
        return typing.get_args(annotation)
    return (annotation,)


F = TypeVar("F", bound=Callable[..., Any])
I = TypeVar("I")  # noqa: E741 - the input
O = TypeVar("O")  # noqa: E741 - the output

_DECLARED = "__reglet_operation__"


@frozen
class Declared:
    """What `@operation` was given for a method."""

    description: str
    name: str | None
    examples: tuple[Example[Any, Any], ...]


@overload
def operation(*, description: str = "", name: str | None = None) -> Plain: ...
@overload
def operation(
    *, description: str = "", name: str | None = None, examples: Sequence[Example[I, O]]
) -> WithExamples[I, O]: ...
def operation(
    handler: object = None,
    /,
    *,
    description: str = "",
    name: str | None = None,
    examples: Sequence[Example[Any, Any]] = (),
) -> Any:
    """Make a method of a service an operation.

    The method is `(self)`, `(self, ctx)`, `(self, request)` or `(self, ctx, request)`, then keyword-only
    ports by annotation. It returns its output model or a `Result`.

    Args:
        handler: nothing; it is there to refuse `@operation` without brackets.
        description: what it checks, for people.
        name: its name in configs; the method's, in snake case and without a trailing underscore, if None.
        examples: calls of it; their types must be the method's.

    Raises:
        DefinitionError: it stands without brackets, above what is no method, or a second time for one name.
    """
    if handler is not None:
        raise DefinitionError(
            f"@reglet.operation was given {getattr(handler, '__qualname__', repr(handler))}; "
            f'write @reglet.operation(), or @reglet.operation(description="…"), above the method'
        )
    if isinstance(examples, Example):
        raise DefinitionError(
            f"@reglet.operation: examples is the example {examples.name!r}; write examples=[…]"
        )
    for each in examples:
        if not isinstance(each, Example):
            raise DefinitionError(
                f"@reglet.operation: examples has {each!r}; write reglet.Example(name, input, …)"
            )
    declared = Declared(description, name, tuple(examples))

    def declare(handler: F) -> F:
        if type(handler) is not FunctionType:
            kind = "class" if isinstance(handler, type) else type(handler).__name__
            raise DefinitionError(f"@reglet.operation stands above a {kind}; put it on a plain method")
        body = sys._getframe(1).f_locals  # noqa: SLF001 - of the class, which will forget the first of two
        if "__qualname__" not in body and handler.__qualname__ == handler.__name__:
            raise DefinitionError(
                f"@reglet.operation stands above the function {handler.__name__}; put it on a method of a "
                f"class with @plugin.service"
            )
        if "__qualname__" in body and declared_on(body.get(handler.__name__)) is not None:
            raise DefinitionError(
                f"operation {handler.__qualname__} is defined twice, and the second would replace the first; "
                f"give one of the two another name"
            )
        setattr(handler, _DECLARED, declared)
        return handler

    return declare


def declared_on(candidate: object) -> Declared | None:
    """Return what `@operation` was given for a method, None if it is no operation."""
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
        output_to_json: returns an output as JSON, secrets redacted; raises `TypeMismatchError` for a value of
            another type than declared.
    """

    service: str
    name: str
    description: str
    handler: Callable[..., Any] = field(repr=False)
    signature: Signature
    examples: tuple[Example[Any, Any], ...] = ()
    output_to_json: Callable[[Any], dict[str, Any]] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Make what its output needs, once; a model that cannot be read is refused."""
        hook = model_to_json if self.output is None else output_writer(self.output)
        object.__setattr__(self, "output_to_json", hook)  # as attrs does for a frozen class

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
        """Return its part of the manifest."""
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
    function = type(instance).__dict__.get(attribute) or getattr(type(instance), attribute)
    signature = read_signature(function, what)
    code = function.__code__
    is_empty = code.co_code[::2] == _EMPTY_BODY and set(code.co_consts) <= {None, function.__doc__}
    if signature.output is not None and not signature.may_return_none and is_empty:
        raise DefinitionError(f"{what} returns nothing: its body is empty; return what it declares")
    handler = getattr(instance, attribute)
    made = Operation(
        service, check_name("operation", name), declared.description, handler, signature, declared.examples
    )
    seen: set[str] = set()
    for example in made.examples:
        if example.name in seen:
            raise DefinitionError(f"{what}: two examples are called {example.name!r}; give one another name")
        seen.add(example.name)
        taken, given = f"{what}: the input of example {example.name!r}", example.input
        _check_type(given, made.input, taken)
        if made.input is not None and not example.expected_error:
            secret = model_type(made.input).has_secrets  # and so not written
            _, problems = (None, []) if secret else parse_model(made.input, model_to_json(given))
            if problems:
                raise DefinitionError(f"{taken} does not fit: {'; '.join(problems)}")
        if example.expected_output is not None:
            answered = f"{what}: the output of example {example.name!r}"
            _check_type(example.expected_output, made.output, answered)
            try:
                made.output_to_json(example.expected_output)
            except TypeMismatchError as error:
                raise DefinitionError(f"{answered} does not fit: {error}") from None
    return made


_EMPTY_BODY = (lambda: None).__code__.co_code[::2]
"""The instructions, without their arguments, of a body that is `pass`, `...` or a docstring alone."""


def _check_type(value: object, model: type[Any] | None, what: str) -> None:
    if (model is None and value is not None) or (model is not None and type(value) is not model):
        wanted = "None" if model is None else f"{model.__name__}(…)"
        raise DefinitionError(f"{what} is of type {type(value).__name__}; write {wanted}")
