"""From config bytes to the handler's Result: decode, route, parse, call."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reglet.application.current import NO_SECRETS, Check, under_way
from reglet.application.models.parsing import parse_model
from reglet.application.models.reading import record_of
from reglet.application.models.redacting import Redaction, secret_texts
from reglet.application.models.shapes import Record
from reglet.application.operations import Operation
from reglet.application.results import redacted, result_of, result_of_error, result_of_problems
from reglet.application.routing import decode_config, route
from reglet.domain.context import Context
from reglet.domain.entities.result import Result
from reglet.domain.errors import ConfigProblemsError

_LOG = logging.getLogger("reglet")


class Call(NamedTuple):
    """An operation with all that it is called with."""

    operation: Operation
    context: Context
    request: Any = None
    redaction: Redaction = NO_SECRETS


class Dispatcher:
    """Answers configs with the Results of a plugin's operations."""

    def __init__(self, operations: Sequence[Operation], config: type[Any] | None) -> None:
        """Take the operations in declared order, and the config model if there is one."""
        self._operations = tuple(operations)
        self._config = config

    def check(self, ctx: Context, config: bytes) -> Result:
        """Return the Result for a config; whatever goes wrong is a Result too.

        Raises:
            KeyboardInterrupt: the person at the keyboard wants out.
        """
        try:
            call = self.prepare(ctx, decode_config(config))
        except ConfigProblemsError as error:
            return result_of_problems(list(error.problems))
        except Exception as error:  # noqa: BLE001 - nothing escapes to the host
            return result_of_error(error)
        return _run(call)

    def prepare(self, ctx: Context, config: Mapping[str, Any]) -> Call:
        """Return the call that a config asks for.

        Raises:
            ConfigProblemsError: everything that is wrong with the config.
        """
        operation = route(self._operations, config)
        problems: list[str] = []
        secrets: list[str] = []
        if self._config is not None:
            ctx = ctx.with_config(_parse(self._config, config, problems, secrets))
        request = None if operation.input is None else _parse(operation.input, config, problems, secrets)
        if problems:
            raise ConfigProblemsError(list(dict.fromkeys(problems)))
        return Call(operation, ctx, request, Redaction(secrets) if secrets else NO_SECRETS)


def _parse(model: type[Any], config: Mapping[str, Any], problems: list[str], secrets: list[str]) -> Any:
    value, found = parse_model(model, config)
    problems += found
    if not found:
        record = record_of(model)
        secrets += secret_texts(record, value)
        _warn_of_deprecated(record, config)
    return value


def _warn_of_deprecated(record: Record, config: Mapping[str, Any]) -> None:
    for each in record.fields:
        if each.marks.deprecated and each.name in config:
            _LOG.warning(
                "config field %s is deprecated: %s", each.name, each.marks.description or "no longer use it"
            )


def _run(call: Call) -> Result:
    token = under_way.set(Check(call.context, call.redaction))
    try:
        result = _answer(call)
    finally:
        under_way.reset(token)
    return redacted(result, call.redaction) if call.redaction else result


def _answer(call: Call) -> Result:
    try:
        return result_of(call.operation, invoke(call))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a bug, sys.exit included, is an answer and no crash
        return result_of_error(error)


def invoke(call: Call) -> Any:
    """Call the handler and return what it returns."""
    signature = call.operation.signature
    arguments: list[Any] = []
    if signature.takes_context:
        arguments.append(call.context)
    if signature.input is not None:
        arguments.append(call.request)
    if not signature.ports:
        return call.operation.handler(*arguments)
    clients = {
        wanted.parameter: call.context.client(wanted.port)
        for wanted in signature.ports
        if not wanted.optional or call.context.has_client(wanted.port)
    }
    return call.operation.handler(*arguments, **clients)
