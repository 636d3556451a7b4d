"""From config bytes to the operation that they name."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from reglet.application.logging import NO_SECRETS, Check, under_way
from reglet.application.models.error_messages import shown
from reglet.application.models.inspect import model_type
from reglet.application.models.redaction import Redaction, secret_strings
from reglet.application.models.structure import Parser, model_parser
from reglet.application.names import quoted, suggestion
from reglet.application.operations import Operation, Signature
from reglet.application.results import redacted, result_of, result_of_error
from reglet.domain.context import Context
from reglet.domain.entities.result import Result
from reglet.domain.errors import ConfigProblemsError


def _refuse_constant(name: str) -> NoReturn:
    raise ConfigProblemsError([f"the config is not JSON: {name} is not a JSON value @ $"])


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_SCAN: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once  # type: ignore[attr-defined]  # typeshed lacks it


def decode_config(config: bytes) -> dict[str, Any]:
    """Return a config's JSON object; no bytes at all are an empty one.

    Raises:
        ConfigProblemsError: it is not UTF-8, not JSON, or not an object.
    """
    if not config:
        return {}
    try:
        decoded = _decoded(str(config, "utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigProblemsError(
            [f"the config is not UTF-8: byte 0x{config[error.start]:02x} at offset {error.start} @ $"]
        ) from error
    except RecursionError as error:
        raise ConfigProblemsError(["the config is nested too deeply @ $"]) from error
    except ValueError as error:
        raise ConfigProblemsError([f"the config is not JSON: {error} @ $"]) from error
    if decoded.__class__ is not dict:
        raise ConfigProblemsError([f"the config must be an object, not {shown(decoded)} @ $"])
    return decoded


def _decoded(text: str) -> Any:
    """Decode as `_DECODER.decode` does, without its search for white space at both ends if there is none."""
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:
        return _DECODER.decode(text)
    return value if end == len(text) else _DECODER.decode(text)


def route(operations: Sequence[Operation], config: Mapping[str, Any]) -> Operation:
    """Return the operation that a config names, or the only one that it can mean.

    Raises:
        ConfigProblemsError: it names one that does not exist, or several remain.
    """
    if len(operations) == 1 and config.get("service") is None and config.get("operation") is None:
        return operations[0]
    fitting = _narrowed(operations, "service", _service, config)
    fitting = _narrowed(fitting, "operation", _name, config)
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise ConfigProblemsError(["the plugin has no operations @ $"])
    key, of = ("operation", _name) if len({each.service for each in fitting}) == 1 else ("service", _service)
    names = list(dict.fromkeys(of(each) for each in fitting))
    raise ConfigProblemsError([f"is required: one of {quoted(names)} @ $.{key}"])


def _service(operation: Operation) -> str:
    return operation.service


def _name(operation: Operation) -> str:
    return operation.name


def _narrowed(
    operations: Sequence[Operation], key: str, of: Callable[[Operation], str], config: Mapping[str, Any]
) -> Sequence[Operation]:
    """Return the operations that agree with what the config says of `key`; all, if it says nothing."""
    wanted = config.get(key)
    if wanted is None:
        return operations
    fitting = [each for each in operations if of(each) == wanted]
    if fitting:
        return fitting
    names = list(dict.fromkeys(of(each) for each in operations))
    close = suggestion(wanted, names) if isinstance(wanted, str) else ""
    raise ConfigProblemsError(
        [f"there is no {key} {shown(wanted)}; there are {quoted(names)}{close} @ $.{key}"]
    )


_LOG = logging.getLogger("reglet")


class Dispatcher:
    """Answers configs with the Results of a plugin's operations."""

    def __init__(self, operations: Sequence[Operation], config: type[Any] | None) -> None:
        """Take the operations in declared order, and the config model if there is one."""
        self._operations = tuple(operations)
        self._config = None if config is None else _reader(config)
        self._plans = {
            id(each): (None if each.input is None else _reader(each.input), _caller(each))
            for each in operations
        }

    def check(self, ctx: Context, config: bytes) -> Result:
        """Return the Result for a config; whatever goes wrong is a Result too.

        Raises:
            KeyboardInterrupt: the person at the keyboard wants out.
        """
        token = None if _is_begun(ctx) else under_way.set(Check(ctx))
        try:
            return self._checked(ctx, config)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a bug, sys.exit included, is an answer and no crash
            result = result_of_error(error)
            check = under_way.get()
            return redacted(result, check.redaction) if check and check.redaction else result
        finally:
            if token is not None:  # else it is the caller's, who resets it
                under_way.reset(token)

    def _checked(self, ctx: Context, config: bytes) -> Result:
        decoded = decode_config(config)
        operation = route(self._operations, decoded)
        reader, call = self._plans[id(operation)]
        redaction = NO_SECRETS
        for each in (self._config, reader):
            if each is not None and each.is_special:
                redaction = _watch(ctx, each, decoded, redaction)
        parsed, problems = (None, []) if self._config is None else self._config.parse(decoded)
        request, more = (None, []) if reader is None else reader.parse(decoded)
        if problems or more:
            raise ConfigProblemsError(list(dict.fromkeys([*problems, *more])))
        if self._config is not None:
            ctx = ctx.with_config(parsed)
        result = result_of(operation, call(ctx, request))
        return redacted(result, redaction) if redaction else result


def _is_begun(ctx: Context) -> bool:
    """Whether who calls has set this check under way, and no secret is kept in it that must come back."""
    check = under_way.get()
    return check is not None and check.context is ctx and check.redaction is NO_SECRETS


class _Reader(NamedTuple):
    """A model that configs are parsed into, and whether anything of it needs watching."""

    model: type[Any]
    parse: Parser
    has_secrets: bool
    deprecated: tuple[tuple[str, str], ...]
    is_special: bool


def _reader(model: type[Any]) -> _Reader:
    type_ = model_type(model)
    deprecated = tuple((each.name, each.meta.description) for each in type_.fields if each.meta.deprecated)
    secret = type_.has_secrets
    return _Reader(model, model_parser(model), secret, deprecated, secret or bool(deprecated))


def _watch(ctx: Context, reader: _Reader, config: Mapping[str, Any], redaction: Redaction) -> Redaction:
    """Warn of deprecated fields, and see to it that what is secret stays so from here on."""
    if reader.has_secrets:
        found = secret_strings(model_type(reader.model), config)
        redaction = Redaction((*redaction.secrets, *found))
        under_way.set(Check(ctx, redaction))
    for name, description in reader.deprecated:
        if name in config:
            _LOG.warning("config field %s is deprecated: %s", name, description or "leave it out")
    return redaction


def _caller(operation: Operation) -> Callable[[Context, Any], Any]:
    """Return what calls a handler with the context and the input, as far as its signature asks for them."""
    signature, handler = operation.signature, operation.handler
    if signature.ports:
        return lambda ctx, request: handler(*_positional(signature, ctx, request), **_clients(signature, ctx))
    if signature.takes_context and signature.input is not None:
        return handler
    if signature.input is not None:
        return lambda _, request: handler(request)
    return (lambda ctx, _: handler(ctx)) if signature.takes_context else (lambda _, __: handler())


def _positional(signature: Signature, ctx: Context, request: Any) -> list[Any]:
    context = [ctx] if signature.takes_context else []
    return context if signature.input is None else [*context, request]


def _clients(signature: Signature, ctx: Context) -> dict[str, Any]:
    return {
        wanted.parameter: ctx.client(wanted.port)
        for wanted in signature.ports
        if not wanted.optional or ctx.has_client(wanted.port)
    }
