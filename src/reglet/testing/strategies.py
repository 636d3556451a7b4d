"""Hypothesis strategies from models: configs that fit or nearly fit, answers of a host; and fuzzing.

Hypothesis comes with `reglet[test]`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, get_args

from reglet.application import examples
from reglet.application.examples import Answer, FailureName
from reglet.application.models.model_types import (
    AnyType,
    BoolType,
    DateTimeType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    ModelType,
    StrType,
    TimeDeltaType,
    Type,
    model_type,
)
from reglet.application.models.strings import compile_pattern
from reglet.application.operations import Operation, read_signature
from reglet.application.plugin import PluginDefinition, is_plugin
from reglet.domain.context import Context
from reglet.domain.entities.records import MXRecord
from reglet.domain.ports import Plugin
from reglet.domain.time import format_duration, format_time
from reglet.infrastructure.extras import add_with
from reglet.testing.assertions import explain
from reglet.testing.fake_host import FakeHost
from reglet.testing.plugintest import examples_of
from reglet.testing.runners import definition_of
from reglet.testing.usage import usage_paused

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


try:
    from hypothesis import strategies as st
except ImportError as missing:
    raise ImportError(f"fuzzing needs hypothesis; {add_with('test')}") from missing


_LARGEST = 2**53
_LONG = timedelta(days=1)


def inputs(operation: Operation | Callable[..., Any]) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy for the inputs of an operation, as JSON objects that fit its model.

    The operation may be given by its method: `inputs(Service.method)`.

    Raises `DefinitionError` for what is no operation's method.
    """
    if isinstance(operation, Operation):
        model = operation.input
    else:
        handler = getattr(operation, "__func__", operation)  # of a bound method
        model = read_signature(handler, f"operation {getattr(handler, '__qualname__', handler)}").input
    return st.just({}) if model is None else _values(model_type(model))


def configs(operation: Operation) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy for the configs that call an operation: an input that fits, and its names."""
    names = {"service": operation.service, "operation": operation.name}
    return inputs(operation).map(lambda given: {**given, **names})


def broken_configs(operation: Operation) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy for configs in which some field is missing, unknown, or holds anything at all."""
    names = st.sampled_from([*operation.input_fields, "service", "operation", "unknown"])
    changes = st.dictionaries(names, json_values(), min_size=1, max_size=3)
    lacking = st.sets(names, max_size=2)

    def broken(parts: tuple[dict[str, Any], dict[str, Any], set[str]]) -> dict[str, Any]:
        config, changed, excluded = parts
        return {key: value for key, value in {**config, **changed}.items() if key not in excluded}

    return st.tuples(configs(operation), changes, lacking).map(broken)


def json_values() -> SearchStrategy[Any]:
    """Return a strategy for any JSON value."""
    numbers = st.integers(-_LARGEST, _LARGEST) | st.floats(allow_nan=False, allow_infinity=False)
    scalars = st.none() | st.booleans() | numbers | st.text()
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )


def host_answers() -> SearchStrategy[list[Answer]]:
    """Return a strategy for what a host answers to whatever is asked: one answer a port."""
    error = st.none() | st.sampled_from(get_args(FailureName)) | st.text(min_size=1, max_size=20)
    texts = st.lists(st.text(max_size=40), max_size=3)
    statuses, bodies = st.integers(100, 599), st.binary(max_size=200) | st.text(max_size=200)
    headers = st.dictionaries(st.text("abc-X", min_size=1, max_size=5), texts, max_size=3)
    exchangers = st.lists(st.builds(MXRecord, st.text(max_size=20), st.integers(0, 65535)), max_size=3)
    return st.tuples(
        st.builds(examples.http, status_code=statuses, headers=headers, body=bodies, error=error),
        st.builds(examples.dns, records=texts, mx_records=exchangers, error=error),
        st.builds(examples.tcp, remote_addr=st.text(max_size=20), error=error),
        st.builds(examples.smtp, banner=st.text(max_size=80), error=error),
        st.builds(
            examples.command,
            stdout=st.text(max_size=80),
            stderr=st.text(max_size=80),
            exit_code=st.integers(-1, 255),
            error=error,
        ),
    ).map(list)


_TIMES = st.datetimes(timezones=st.just(UTC)).map(format_time)
_HOSTS = st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){0,2}", fullmatch=True)
_FORMATS: dict[str, SearchStrategy[str]] = {
    "date": st.dates().map(str),
    "date-time": _TIMES,
    "email": _HOSTS.map(lambda name: f"someone@{name}"),
    "hostname": _HOSTS,
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
    "time": _TIMES.map(lambda text: text.partition("T")[2]),
    "uri": _HOSTS.map(lambda name: f"https://{name}/"),
    "uuid": st.uuids().map(str),
}


def _values(type_: Type) -> SearchStrategy[Any]:  # noqa: C901, PLR0911, PLR0912 - a case a kind
    match type_:
        case BoolType():
            return st.booleans()
        case IntType():
            lowest = max(_whole(type_.ge, -_LARGEST, 0), _whole(type_.gt, -_LARGEST, 1))
            highest = min(_whole(type_.le, _LARGEST, 0), _whole(type_.lt, _LARGEST, -1))
            return st.integers(lowest, highest)
        case FloatType():
            return st.floats(
                type_.gt if type_.ge is None else type_.ge,
                type_.lt if type_.le is None else type_.le,
                exclude_min=type_.ge is None and type_.gt is not None,
                exclude_max=type_.le is None and type_.lt is not None,
                allow_nan=False,
                allow_infinity=False,
            )
        case StrType(pattern=None, format=None):
            return st.text(min_size=type_.min_length or 0, max_size=type_.max_length)
        case StrType(pattern=pattern, format=name, min_length=least, max_length=most):
            texts = _FORMATS[str(name)] if pattern is None else st.from_regex(compile_pattern(pattern))
            return texts.filter(
                lambda text: (least or 0) <= len(text) and (most is None or len(text) <= most)
            )
        case EnumType():
            return st.sampled_from(list(type_.members))
        case DateTimeType():
            return _TIMES
        case TimeDeltaType():
            return st.timedeltas(-_LONG, _LONG).map(format_duration)
        case ListType(min_length=least, max_length=most):
            return st.lists(_values(type_.item), min_size=least or 0, max_size=_few(least, most))
        case DictType(min_length=least, max_length=most):
            keys, values = st.text(max_size=10), _values(type_.value)
            return st.dictionaries(keys, values, min_size=least or 0, max_size=_few(least, most))
        case ModelType():
            needed: dict[str, SearchStrategy[Any]] = {}
            optional: dict[str, SearchStrategy[Any]] = {}
            for field in type_.fields:
                values = _values(field.type)
                values = st.none() | values if field.nullable else values
                (needed if field.required else optional)[field.name] = values
            return st.fixed_dictionaries(needed, optional=optional)
        case AnyType():
            return json_values()


def _whole(bound: float | None, otherwise: int, beyond: int) -> int:
    """Return the nearest integer that a bound allows; `beyond` is the step past an exclusive one."""
    if bound is None:
        return otherwise
    return int(bound) + beyond if float(bound).is_integer() else int(bound // 1) + (beyond <= 0)


def _few(least: int | None, most: int | None) -> int:
    enough = (least or 0) + 4
    return enough if most is None else min(enough, most)


def assert_never_traps(plugin: Plugin, *, max_examples: int = 100) -> None:
    """Raise `AssertionError` with the smallest config and host answers for which the plugin has a bug.

    Every operation gets configs that fit, configs that nearly fit, its examples and bytes that are no
    config, while its host answers and fails at random. A bug is a Result of type `panic`, or none at all.
    The same configs are tried each time.

    Args:
        plugin: the plugin, made by `define_plugin`.
        max_examples: how many configs of each kind are tried.

    Raises:
        ImportError: hypothesis is not installed.
        TypeError: the plugin has no models to make configs from.
    """
    __tracebackhide__ = True

    definition = definition_of(plugin) if is_plugin(plugin) else plugin
    if not isinstance(definition, PluginDefinition):
        raise TypeError(f"{type(definition).__name__} has no models: fuzz a plugin made by define_plugin")
    from hypothesis import Phase, given, settings

    grants = plugin.manifest(Context()).capabilities
    phases = (Phase.generate, Phase.target, Phase.shrink)
    quiet = settings(max_examples=max_examples, deadline=None, database=None, derandomize=True, phases=phases)

    def explore(configs: st.SearchStrategy[Any]) -> None:
        @quiet
        @given(config=configs, host_answers=host_answers())
        def run(config: Any, host_answers: list[Answer]) -> None:
            host = FakeHost(*host_answers, grants=grants)
            with usage_paused():
                result = host.check(plugin, config)
            if result.error is not None and result.error.type == "panic":
                calls = (
                    f"\n  it called {call.name} {call.request.decode()} and got {call.answer.decode()}"
                    for call in host.calls
                )
                shown = repr(config) if isinstance(config, bytes) else json.dumps(config)
                what = f"the plugin has a bug: {result.message}{explain(result)}"
                raise AssertionError(f"{what}\n  config: {shown}{''.join(calls)}")

        run()

    for case in examples_of(plugin):
        explore(st.just(case.config))
    for operation in definition.operations:
        explore(configs(operation))
        explore(broken_configs(operation))
    explore(st.binary(max_size=200))
