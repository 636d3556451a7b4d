"""`--config JSON|@FILE|-` and `--example NAME`: the config of a check."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reglet.application.config_schema import ROUTING
from reglet.application.models.error_messages import path_step
from reglet.cli.command import UsageError
from reglet.cli.targets import InProcessPlugin

if TYPE_CHECKING:
    from reglet.cli.targets import LoadedPlugin
    from reglet.domain.entities.manifest import ExampleManifest, Manifest
    from reglet.testing.examples import ExampleCase


_STDIN = ("-", "@-")
_NOTHING = "''"


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--config` to a command."""
    parser.add_argument(
        "--config",
        metavar="JSON|@FILE|-",
        default="{}",
        help="the check's config: a JSON object, @FILE, or - for stdin",
    )


def read_config(argument: str) -> bytes:
    """Return the config's bytes, after making sure that they are a JSON object.

    Raises:
        UsageError: the file cannot be read, or the text is not a JSON object; the message has the position.
    """
    text = _text(argument)
    if not text.strip():
        raise UsageError(f"--config {argument or _NOTHING} is empty: give a JSON object, {{}} for no fields")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        near = text[max(0, error.pos - 10) : error.pos + 10]
        raise UsageError(f"--config is not JSON: {error.msg} at {at}: {near!r}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise UsageError(f"--config cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise UsageError(f'--config must be a JSON object such as {{"url": "…"}}, not {type(value).__name__}')
    return text.encode()


def _text(argument: str) -> str:
    if argument not in _STDIN and not argument.startswith("@"):
        return argument
    try:
        if argument in _STDIN:
            return sys.stdin.buffer.read().decode()
        return Path(argument[1:]).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"--config {argument}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--config {argument}: {error}; save it as UTF-8") from error


def warn_of_unknown_fields(config: bytes, manifest: Manifest) -> None:
    """Say on stderr which fields the config's schema does not have, at every depth, and what may be meant."""
    for path, name, known in _unknown(json.loads(config), manifest.config_schema or {}, "$"):
        if path == "$" and name in ROUTING:
            continue
        where = "its config" if path == "$" else f"{path} of its config"
        sys.stderr.write(f"warning: the plugin has no field {name!r} in {where}{_meant(name, known)}\n")


def _unknown(
    value: Any, schema: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield each unknown field with the path of its object and the fields that there are."""
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if isinstance(value, dict):
        for name, entry in value.items():
            if isinstance(properties, dict) and name in properties:
                yield from _unknown(entry, properties[name], path + path_step(name))
            elif isinstance(others, dict):
                yield from _unknown(entry, others, path + path_step(name))
            elif isinstance(properties, dict):
                yield path, name, properties
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _unknown(item, schema["items"], path + path_step(index))


def _meant(name: str, properties: Mapping[str, Any]) -> str:
    close = get_close_matches(name, properties, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(map(repr, properties))}" if properties else "; there are none"


def add_example_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--example` to a command."""
    parser.add_argument(
        "--example",
        metavar="NAME",
        help="run the example of this name: in process against its own answers if it has any, "
        "else with its config",
    )


def example_with_answers(plugin: LoadedPlugin, name: str) -> ExampleCase | None:
    """Return the example of a plugin in process that brings its own answers; a module's have none."""
    if not isinstance(plugin, InProcessPlugin):
        return None
    from reglet.testing.examples import examples_of

    found = [case for case in examples_of(plugin.definition) if case.name == name and case.answers]
    return found[0] if len(found) == 1 else None


def example_config(manifest: Manifest, name: str) -> bytes:
    """Return the config of an example, with its service and operation.

    Raises:
        UsageError: no example, or more than one, has this name; the text lists those there are.
    """
    service, operation, example = _only(manifest, name)
    return json.dumps(
        {**example.input, "service": service, "operation": operation}, ensure_ascii=False
    ).encode()


def _only(manifest: Manifest, name: str) -> tuple[str, str, ExampleManifest]:
    every = [
        (service.name, operation.name, example)
        for service in manifest.services.values()
        for operation in service.operations
        for example in operation.examples
    ]
    found = [triple for triple in every if triple[2].name == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(example.name for _, _, example in every) or "none"
    how = "several operations have an example of" if found else "no example has"
    raise UsageError(f"--example {name}: {how} this name; there are: {names}")
