"""`--config JSON|@FILE|@FOLDER|-` and `--example NAME`: the configs of checks, and how files are read."""

from __future__ import annotations

import json
import math
import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from datetime import time as datetime_time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import frozen

from reglet.application.names import ROUTING
from reglet.cli.command import UsageError, require_extra
from reglet.cli.console import write_warning
from reglet.cli.targets import InProcessPlugin
from reglet.infrastructure.atomic import read_bounded

if TYPE_CHECKING:
    from reglet.cli.targets import LoadedPlugin
    from reglet.domain.entities.manifest import ExampleManifest, Manifest
    from reglet.testing.plugintest import ExampleCase


_STDIN = ("-", "@-")
_SUFFIXES = {".json": "JSON", ".yaml": "YAML", ".yml": "YAML", ".toml": "TOML"}


@frozen
class NamedConfig:
    """The config of one check: what it is called for a person, and its JSON."""

    name: str
    content: bytes


def read_configs(arguments: Sequence[str]) -> list[NamedConfig]:
    """Return the configs that `--config` names, each an object; no argument stands for one without fields.

    Raises:
        UsageError: one cannot be read, or is no object; the message has the file and the position.
    """
    configs: list[NamedConfig] = []
    for argument in arguments or ["{}"]:
        if not argument.startswith("@") or not os.path.isdir(argument[1:]):  # noqa: PTH112 - False for any string
            configs.append(NamedConfig(argument, read_config(argument)))
            continue
        paths = sorted(
            path for path in Path(argument[1:]).iterdir() if path.suffix in _SUFFIXES and path.is_file()
        )
        if not paths:
            raise UsageError(
                f"--config {argument} has no config: put files into it that end in .json, .yaml or .toml"
            )
        configs += [NamedConfig(path.name, read_config(f"@{path}")) for path in paths]
    return configs


def read_config(argument: str) -> bytes:
    """Return the JSON of one config.

    Raises:
        UsageError: the file cannot be read, or holds no object; the message has the position.
    """
    name, language = f"--config {argument}", "JSON"
    if argument in _STDIN:
        content = read_file(sys.stdin.buffer, name)
    elif argument.startswith("@"):
        language = _SUFFIXES.get(Path(argument[1:]).suffix, "JSON")
        content = read_file(Path(argument[1:]), name)
    elif argument and not argument.lstrip().startswith(("{", "[")) and os.path.exists(argument):  # noqa: PTH110 - False for any string
        raise UsageError(f"{name} is not JSON: did you mean --config @{argument}?")
    else:
        name = "--config" if argument.strip() else f"--config {argument!r}"
        content = argument.encode(errors="surrogateescape")
    value = decode_document(content, name, language)
    if not isinstance(value, dict):
        raise UsageError(f'--config must be a JSON object such as {{"url": "…"}}, not {type(value).__name__}')
    if language == "JSON":
        return content.removeprefix(BOM_UTF8)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_as_json).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"--config {argument} cannot be written as JSON: {error}") from error


def _as_json(value: object) -> str:
    """Return what TOML has and JSON lacks, a time or a date, as a string."""
    if isinstance(value, date | datetime_time):
        return value.isoformat()
    raise TypeError(f"there is no JSON for a {type(value).__name__}")


def read_file(file: Path | BinaryIO, argument: str) -> bytes:
    """Return what is in a file, or an open one, that an argument names.

    Raises:
        UsageError: it cannot be read, or has no end.
    """
    try:
        with file.open("rb") if isinstance(file, Path) else nullcontext(file) as opened:
            return read_bounded(opened)
    except (OSError, ValueError) as error:  # a name may hold a zero byte
        raise UsageError(f"{argument}: {getattr(error, 'strerror', None) or error}") from error


def decode_document(content: bytes, argument: str, language: str = "JSON") -> Any:
    """Return the value that a document of a user holds, from JSON, YAML or TOML.

    Every file that a command reads comes through here: what it holds is a value or our error.

    Raises:
        UsageError: it is no such document, or one with a name twice, a number that is none, or too deep.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{argument}: {error}; save it as UTF-8") from error
    if not text.strip():
        raise UsageError(f"{argument} is empty: give a JSON object, {{}} for no fields")
    try:
        match language:
            case "YAML":
                return _decode_yaml(text)
            case "TOML":
                import tomllib

                return tomllib.loads(text)
            case _:
                return _JSON.decode(text)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        near = text[max(0, error.pos - 10) : error.pos + 10]
        raise UsageError(f"{argument} is not JSON: {error.msg} at {at}: {near!r}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise UsageError(f"{argument} cannot be read: {str(error) or 'it is nested too deeply'}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"the name {twice!r} stands twice in an object, and only one of its values can count"
        )
    return value


def _finite(text: str) -> float:
    """Return a number with a fraction or an exponent; JSON has none that is infinite or undefined."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number that JSON can hold")
    return number


_JSON = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)


def _decode_yaml(text: str) -> Any:
    require_extra("build", "a YAML config")
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML as JSON has it: no names twice, no aliases that grow, times as the strings that they are."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - of this one load
            first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("aliases are not for configs: write the value again")
            return super().compose_node(parent, index)

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        return _object([(str(name), value) for name, value in loader.construct_pairs(node, deep=True)])

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def warn_of_unknown_fields(config: bytes, manifest: Manifest) -> None:
    """Say on stderr which fields the config's schema does not have, at every depth, and what may be meant."""
    for path, name, known in _unknown(json.loads(config), manifest.config_schema or {}, ()):
        if not path and name in ROUTING:
            continue
        from difflib import get_close_matches

        from reglet.application.models.error_messages import path_step

        where = f"${''.join(map(path_step, path))} of its config" if path else "its config"
        close = get_close_matches(name, known, n=1)
        meant = f"; there are {', '.join(map(repr, known))}" if known else "; there are none"
        if close:
            meant = f"; did you mean {close[0]!r}?"
        write_warning(f"the plugin has no field {name!r} in {where}{meant}")


def _unknown(
    value: Any, schema: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str, Mapping[str, Any]]]:
    """Yield each unknown field with the path of its object and the fields that there are."""
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if isinstance(value, dict):
        for name, entry in value.items():
            if isinstance(properties, dict) and name in properties:
                yield from _unknown(entry, properties[name], (*path, name))
            elif isinstance(others, dict):
                yield from _unknown(entry, others, (*path, name))
            elif isinstance(properties, dict):
                yield path, name, properties
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _unknown(item, schema["items"], (*path, index))


def example_with_answers(plugin: LoadedPlugin, name: str) -> ExampleCase | None:
    """Return the example of a plugin in process that brings its own answers; a module's have none."""
    if not isinstance(plugin, InProcessPlugin):
        return None
    from reglet.testing.plugintest import examples_of

    found = [case for case in examples_of(plugin.definition) if case.name == name and case.answers]
    return found[0] if len(found) == 1 else None


def example_config(manifest: Manifest, name: str) -> NamedConfig:
    """Return the config of an example, with its service and operation.

    Raises:
        UsageError: no example, or more than one, has this name; the message lists those there are.
    """
    every: list[tuple[str, str, ExampleManifest]] = [
        (service.name, operation.name, example)
        for service in manifest.services.values()
        for operation in service.operations
        for example in operation.examples
    ]
    found = [triple for triple in every if triple[2].name == name]
    if len(found) != 1:
        names = ", ".join(example.name for _, _, example in every) or "none"
        how = "several operations have an example of" if found else "no example has"
        raise UsageError(f"--example {name}: {how} this name; there are: {names}")
    service, operation, example = found[0]
    fields = example.input if isinstance(example.input, Mapping) else {}
    config = {**fields, "service": service, "operation": operation}
    return NamedConfig(name, json.dumps(config, ensure_ascii=False).encode())
