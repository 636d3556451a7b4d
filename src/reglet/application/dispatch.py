"""From config bytes to the operation that they name."""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NoReturn

from attrs import frozen

from reglet.application.logging import NO_SECRETS, RunningCheck, current_check, running_check
from reglet.application.models.config_warnings import config_warnings, deprecation, flat_fields
from reglet.application.models.error_messages import shown
from reglet.application.models.from_json import Parser, model_parser
from reglet.application.models.json_schema import JSONSchema
from reglet.application.models.model_types import ModelType, model_type
from reglet.application.models.redaction import Redaction, secret_strings
from reglet.application.names import ROUTING, path_step, quoted, suggestion
from reglet.application.operations import Operation
from reglet.application.results import redacted, result_of, result_of_error
from reglet.domain.context import Context
from reglet.domain.entities import read_json
from reglet.domain.entities.result import Result
from reglet.domain.errors import ConfigProblemsError

_NO_PROBLEMS: list[str] = []
_LOG = logging.getLogger("reglet")
_ROUTING: Mapping[str, Callable[[_Plan], str]] = dict(
    zip(ROUTING, (attrgetter("operation.service"), attrgetter("operation.name")), strict=True)
)


def _refuse_constant(name: str) -> NoReturn:
    raise ConfigProblemsError([f"the config is not JSON: {name} is not a JSON value @ $"])


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written."""


class _DuplicateKeyError(Exception):
    """A key stands twice in an object; where, the config as it is written shows."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _DuplicateKeyError
    return made


def _last_ones(value: Any, path: str = "") -> Any:
    """Return what is written without the keys that stand twice in an object, of each but the last."""
    if isinstance(value, _Pairs):
        made = {name: _last_ones(entry, path + path_step(name)) for name, entry in value}
        for name, count in Counter(name for name, _ in value).items():
            if count > 1:
                where = f" in ${path}" if path else ""
                _LOG.warning("the config has the key %s %d times%s; the last one counts", name, count, where)
        return made
    if isinstance(value, list):
        return [_last_ones(item, path + path_step(index)) for index, item in enumerate(value)]
    return value


_AS_WRITTEN = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_Pairs)
_CONFIG_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_object)
_SCAN: Callable[[str, int], tuple[Any, int]] = _CONFIG_DECODER.scan_once  # type: ignore[attr-defined]  # typeshed lacks it


def _decoded(string: str) -> Any:
    try:
        try:
            decoded, end = _SCAN(string, 0)
        except StopIteration:
            decoded, end = None, -1
        # if there is white space around it, or decode finds what is wrong
        return decoded if end == len(string) else _CONFIG_DECODER.decode(string)
    except _DuplicateKeyError:
        return _last_ones(_AS_WRITTEN.decode(string))


def decode_config(config: bytes) -> dict[str, Any]:
    """Return a config's JSON object; no bytes at all are an empty one.

    Raises:
        ConfigProblemsError: it is not UTF-8, not JSON, or not an object.
    """
    if not config:
        return {}
    decoded = read_json(config)
    if type(decoded) is dict:
        return decoded
    try:
        decoded = _decoded(config.decode())
    except UnicodeDecodeError as error:
        raise ConfigProblemsError(
            [f"the config is not UTF-8: byte 0x{config[error.start]:02x} at offset {error.start} @ $"]
        ) from error
    except RecursionError as error:
        raise ConfigProblemsError(["the config is nested too deeply @ $"]) from error
    except json.JSONDecodeError as error:
        raise ConfigProblemsError([f"the config is not JSON: {error} @ $"]) from error
    except ValueError as error:  # of int, whose time grows with the square of the digits
        most = sys.get_int_max_str_digits()
        raise ConfigProblemsError([f"a number of the config has more than {most} digits @ $"]) from error
    if not isinstance(decoded, dict):
        raise ConfigProblemsError([f"the config must be an object, not {shown(decoded)} @ $"])
    return decoded


def _route(plans: Sequence[_Plan], config: Mapping[str, Any]) -> _Plan:
    """Return the plan of the operation that a config names, or of the only one that it can mean.

    Raises:
        ConfigProblemsError: it names one that does not exist, or several remain.
    """
    if len(plans) == 1 and "service" not in config and "operation" not in config:
        return plans[0]
    fitting = list(plans)
    for key, name_of in _ROUTING.items():
        wanted = config.get(key)
        if wanted is None:
            continue
        names = list(dict.fromkeys(map(name_of, fitting)))
        if wanted not in names:
            close = suggestion(wanted, names) if isinstance(wanted, str) else ""
            raise ConfigProblemsError(
                [f"there is no {key} {shown(wanted)}; there are {quoted(names)}{close} @ $.{key}"]
            )
        fitting = [each for each in fitting if name_of(each) == wanted]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise ConfigProblemsError(["the plugin has no operations @ $"])
    key = "operation" if len({each.operation.service for each in fitting}) == 1 else "service"
    names = list(dict.fromkeys(map(_ROUTING[key], fitting)))
    raise ConfigProblemsError([f"is required: one of {quoted(names)} @ $.{key}"])


class Dispatcher:
    """Answers configs with the Results of a plugin's operations."""

    def __init__(
        self, operations: Sequence[Operation], config: type[Any] | None, schema: JSONSchema | None = None
    ) -> None:
        """Take the operations in declared order, the config model if there is one, and their schema."""
        self._schema = schema or {}
        properties: JSONSchema = self._schema.get("properties", {})
        self._flat_fields = flat_fields(self._schema).union(ROUTING)
        self._parse_config = None if config is None else model_parser(config)
        self._plans = tuple(_Plan.of(each, config, properties, self._flat_fields) for each in operations)

    def check(self, ctx: Context, config: bytes) -> Result:
        """Return the Result for a config; whatever goes wrong is a Result too.

        Raises:
            KeyboardInterrupt: the person at the keyboard wants out.
        """
        check = current_check()
        is_callers = check is not None and check.context is ctx and check.redaction is NO_SECRETS
        token = None if is_callers else running_check.set(RunningCheck(ctx))
        redaction = NO_SECRETS
        try:
            decoded = decode_config(config)
            try:
                plan = _route(self._plans, decoded)
            except ConfigProblemsError:
                self._warn(decoded)  # the name of the key may be what is wrong
                raise
            for model in plan.with_secrets:  # they stay secret from here on, whatever comes
                redaction = Redaction((*redaction.secrets, *secret_strings(model, decoded)))
                running_check.set(RunningCheck(ctx, redaction))
            if not plan.plain_fields.issuperset(decoded):
                self._warn(decoded, plan)
            request, problems = (None, _NO_PROBLEMS) if plan.parse is None else plan.parse(decoded)
            if self._parse_config is not None:
                parsed, first = self._parse_config(decoded)
                problems = list(dict.fromkeys([*first, *problems]))
                ctx = ctx.with_config(parsed)
            if problems:
                result = result_of_error(ConfigProblemsError(problems))
            else:
                result = result_of(plan.operation, plan.call(ctx, request))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a bug, sys.exit included, is an answer and no crash
            result = result_of_error(error)
        finally:
            if token is not None:  # else it is the caller's, who resets it
                running_check.reset(token)
        return result if redaction is NO_SECRETS else redacted(result, redaction)

    def _warn(self, config: Mapping[str, Any], plan: _Plan | None = None) -> None:
        """Log which fields of a config are deprecated, not known, or not of its operation."""
        if plan is not None:
            for name, warning in plan.deprecated.items():
                if name in config:
                    _LOG.warning("%s", warning)
            for name in config:
                if name in plan.fields_of_others:
                    _LOG.warning("operation %s has no field %r, which others have", plan.operation.name, name)
        if not self._flat_fields.issuperset(config):
            for message in config_warnings(config, self._schema):
                _LOG.warning("%s", message)


@frozen
class _Plan:
    """How an operation is called.

    Attributes:
        operation: the operation.
        parse: what parses a config into its input, if it takes one.
        with_secrets: the models of a config, the plugin's and the operation's, that have secrets.
        deprecated: what to say of fields that are, by their names.
        fields_of_others: what no model of a config has, and another operation's has.
        plain_fields: what a config may have without a word in the log.
        call: calls the handler with the context and the input, as far as its signature asks for them.
    """

    operation: Operation
    parse: Parser | None
    with_secrets: tuple[ModelType, ...]
    deprecated: Mapping[str, str]
    fields_of_others: frozenset[str]
    plain_fields: frozenset[str]
    call: Callable[[Context, Any], Any]

    @classmethod
    def of(
        cls,
        operation: Operation,
        config: type[Any] | None,
        properties: Iterable[str],
        flat_fields: frozenset[str],
    ) -> _Plan:
        models = [model_type(each) for each in (config, operation.input) if each is not None]
        fields = {each.name: each for model in reversed(models) for each in model.fields}
        signature, handler = operation.signature, operation.handler
        wanted = slice(0 if signature.takes_context else 1, 1 if signature.input is None else 2)

        def call(ctx: Context, request: Any) -> Any:
            clients = {
                each.parameter: ctx.client(each.port)
                for each in signature.ports
                if not each.optional or ctx.has_client(each.port)
            }
            arguments: tuple[Any, ...] = (ctx, request)
            return handler(*arguments[wanted], **clients)

        if not signature.ports:  # the same, as quick as can be
            call = {
                (True, True): handler,
                (True, False): lambda ctx, _: handler(ctx),
                (False, True): lambda _, request: handler(request),
                (False, False): lambda _, __: handler(),
            }[signature.takes_context, signature.input is not None]
        deprecated = {
            name: deprecation(name, each.meta.description)
            for name, each in fields.items()
            if each.meta.deprecated
        }
        of_others = frozenset(properties).difference(fields, ROUTING)
        return cls(
            operation,
            None if operation.input is None else model_parser(operation.input),
            tuple(each for each in models if each.has_secrets),
            deprecated,
            of_others,
            flat_fields.difference(deprecated, of_others),
            call,
        )
