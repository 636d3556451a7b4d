"""From config bytes to the operation that they name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from reglet.application.models.problems import seen
from reglet.application.names import quoted, suggestion
from reglet.application.operations import Operation
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
        raise ConfigProblemsError([f"the config must be an object, not {seen(decoded)} @ $"])
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
    raise ConfigProblemsError([f"is required, to choose one of {quoted(names)}, but it is missing @ $.{key}"])


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
        [f"there is no {key} {seen(wanted)}; there are {quoted(names)}{close} @ $.{key}"]
    )
