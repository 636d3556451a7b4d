"""What a handler's signature says: whether it takes the context, which input, which ports, which output."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any, NamedTuple, Union

from reglet.application.models.declaring import is_model
from reglet.application.models.reading import resolve_annotations
from reglet.domain.context import Context
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
