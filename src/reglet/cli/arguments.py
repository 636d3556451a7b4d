"""What arguments name: TARGET, a module or a plugin in process; `--config` and `--example`; files."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sys
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from datetime import time as datetime_time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from attrs import frozen

from reglet.application.names import PROJECT_FILE
from reglet.cli.command import UsageError, require_extra
from reglet.cli.console import plugin_output, said_if_it_takes_long, write_message
from reglet.infrastructure.atomic import read_bounded
from reglet.infrastructure.process import Meanwhile

if TYPE_CHECKING:
    from reglet.domain.entities.grants import GrantSet
    from reglet.domain.entities.manifest import ExampleManifest, Manifest
    from reglet.domain.ports import Plugin
    from reglet.sandbox import Dialect, Module
    from reglet.testing.plugintest import ExampleCase
    from reglet.testing.runners import Runner


class LoadedPlugin(Protocol):
    """A plugin that a command is about: its manifest and its checks."""

    @property
    def digest(self) -> str:
        """What grants that are kept for always belong to: SHA-256, hexadecimal."""
        ...

    def manifest(self) -> Manifest:
        """Return the plugin's description of itself."""
        ...

    def runner(self, grants: GrantSet, dialect: Dialect) -> AbstractContextManager[Runner]:
        """Return what runs checks with the files and variables of `grants`, on a host of a dialect."""
        ...


def load_target(target: str) -> LoadedPlugin:
    """Return what TARGET stands for: a module runs in the sandbox, anything else in process.

    A module is a `.wasm` file or, if no file is called that, the reference of one in a registry.

    Raises:
        UsageError: there is no such file, or an extra is missing.
        RegletError: what is there is no plugin, or it cannot be pulled or imported.
    """
    if is_module(target):
        return load_module(target)
    from reglet.infrastructure.build.project import load_plugin_in_process

    with plugin_output():
        return InProcessPlugin(load_plugin_in_process(target))


def load_module(target: str) -> BuiltPlugin:
    """Return the plugin of a TARGET that is a module; its file is read once, from now on.

    Raises:
        UsageError: there is no such file, or an extra is missing.
        RegletError: it cannot be pulled.
    """
    require_extra("build", "a .wasm target")
    path = local_path(target)
    if not path.is_file():
        raise UsageError(f"{target} is not there: build it with `reglet-plugin build PROJECT -o {target}`")

    def read() -> bytes:
        try:
            with path.open("rb") as file:
                return read_bounded(file)
        except OSError as error:
            raise UsageError(f"{target} cannot be read: {error.strerror}") from error

    return BuiltPlugin(str(path), Meanwhile(read))


def manifest_of(target: str) -> Manifest:
    """Return the manifest of a TARGET."""
    return load_target(target).manifest()


def is_module(target: str) -> bool:
    """Whether TARGET is a WebAssembly file, by its name, or a plugin in a registry."""
    return target.endswith(".wasm") or _is_in_registry(target)


def local_path(target: str) -> Path:
    """Return the path that TARGET is, or of the file that was pulled for it.

    Raises:
        UsageError: an extra is missing.
        RegletError: it cannot be pulled.
    """
    if not _is_in_registry(target):
        return Path(target)
    require_extra("registry", "a plugin in a registry")
    from reglet.infrastructure.registry import parse_reference
    from reglet.infrastructure.registry.artifact import digest_of
    from reglet.infrastructure.registry.store import PluginStore, pull_artifact

    store = PluginStore()
    artifact = pull_artifact(parse_reference(target), store)
    write_message(f"{target} is {artifact.digest}")
    return store.path(digest_of(artifact.module))


def _is_in_registry(target: str) -> bool:
    """Whether TARGET is a reference, which a file of that name would precede."""
    if os.path.exists(target):  # noqa: PTH110 - False for any string
        return False
    from reglet.infrastructure.registry import is_reference

    return is_reference(target)


def require_project(path: Path) -> None:
    """Raise `UsageError` unless a path is a project's folder, which is what has tests."""
    if path.suffix == ".py" and path.is_file():
        raise UsageError(
            f"{path} is one file, and tests belong to a project: make one with `reglet-plugin new`"
        )
    if not (path / PROJECT_FILE).is_file():
        raise UsageError(
            f"{path} is no project: it has no {PROJECT_FILE}; name the project's folder, or make one "
            "with `reglet-plugin new`"
        )


@frozen(eq=False, repr=False)
class InProcessPlugin:
    """A plugin imported into this interpreter: a debugger's breakpoints hold, files are not sandboxed."""

    definition: Plugin

    @property
    def digest(self) -> str:
        """The digest of the manifest, since there is no file."""
        from reglet.infrastructure.wire.exports import MANIFEST

        return hashlib.sha256(MANIFEST.encode(self.manifest())).hexdigest()

    def manifest(self) -> Manifest:
        """Ask the plugin, whose class may be the author's own.

        Raises:
            PluginImportError: it fails; the error has the author's traceback.
            UsageError: what it returns is no manifest.
        """
        from reglet.application.results import author_traceback, one_line
        from reglet.domain.context import Context
        from reglet.domain.entities.manifest import Manifest
        from reglet.infrastructure.build import PluginImportError

        try:
            with plugin_output():
                manifest: object = self.definition.manifest(Context())
        except Exception as error:
            text = f"the plugin cannot describe itself: {one_line(error)}"
            raise PluginImportError(text, author_traceback(error)) from error
        if not isinstance(manifest, Manifest):
            kind = type(manifest).__name__
            raise UsageError(f"the plugin's manifest() returned a {kind}; return a reglet.Manifest")
        return manifest

    def runner(self, grants: GrantSet, dialect: Dialect) -> AbstractContextManager[Runner]:
        """Return what runs checks here: grants and dialect are those of the host functions alone."""
        from reglet.testing.runners import InProcessRunner

        del grants, dialect
        return nullcontext(InProcessRunner(self.definition))


@frozen(eq=False, repr=False)
class BuiltPlugin:
    """A built module, run in the sandbox: the bytes that were read once are asked about, described and run.

    Attributes:
        name: what messages call it.
        reading: reads the module, while the sandbox is imported.
    """

    name: str
    reading: Meanwhile[bytes]

    @property
    def content(self) -> bytes:
        """The module. Raises `UsageError` where it cannot be read."""
        return self.reading.result()

    @cached_property
    def _module(self) -> Module:
        """The module, with nothing granted."""
        from reglet.sandbox import Sandbox

        with said_if_it_takes_long(f"compiling {self.name}, which is kept for later runs"):
            return Sandbox().load(self.content, self.name)

    @property
    def digest(self) -> str:
        """The digest of the module."""
        return self._module.digest

    def manifest(self) -> Manifest:
        """Ask the module, with nothing granted."""
        return self._module.manifest()

    def runner(self, grants: GrantSet, dialect: Dialect) -> AbstractContextManager[Runner]:
        """Return what runs checks in the sandbox."""
        from reglet.testing.runners import SandboxRunner
        from reglet.testing.usage import note_file

        return SandboxRunner(self._module, grants, dialect=dialect, file_observer=note_file)


_STDIN = ("-", "@-")
_SUFFIXES = {".json": "JSON", ".yaml": "YAML", ".yml": "YAML", ".toml": "TOML"}


def language_of(path: Path) -> str:
    """Return what a file of configs or grants is written in, by the end of its name."""
    return _SUFFIXES.get(path.suffix.lower(), "JSON")


@frozen(eq=False, repr=False)
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
            path
            for path in Path(argument[1:]).iterdir()
            if path.suffix.lower() in _SUFFIXES and path.is_file()
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
        language = language_of(Path(argument[1:]))
        content = read_file(Path(argument[1:]), name)
    elif argument and not argument.lstrip().startswith(("{", "[")) and os.path.exists(argument):  # noqa: PTH110 - False for any string
        raise UsageError(f"{name} is not JSON: did you mean --config @{argument}?")
    else:
        name = "--config" if argument.strip() else f"--config {argument!r}"
        content = argument.encode(errors="surrogateescape")
    value = decode_document(content, name, language)
    if not isinstance(value, dict):
        from reglet.application.models.error_messages import shown

        raise UsageError(f'--config must be a JSON object such as {{"url": "…"}}, not {shown(value)}')
    if language == "JSON":
        return content.removeprefix(BOM_UTF8)
    try:
        return json.dumps(value, allow_nan=False, default=_as_json).encode()  # a surrogate has no other form
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
    if "\0" in text:
        raise UsageError(f"{argument}: it has zero bytes, as UTF-16 has; save it as UTF-8")
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
    except RecursionError as error:
        raise UsageError(f"{argument} cannot be read: it is nested too deeply") from error
    except ValueError as error:  # of a number of thousands of digits, with advice for programmers
        reason = str(error).partition("; use sys.")[0]
        raise UsageError(f"{argument} cannot be read: {reason}") from error


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


_YAML_SCALARS = {
    "bool": "true|True|TRUE|false|False|FALSE",
    "null": "~|null|Null|NULL|",
    "int": "[-+]?(?:0[bB]_*[01][01_]*|0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|0[oO]?[0-7_]+|0|[1-9][0-9_]*)",
    "float": r"[-+]?(?:[.][0-9][0-9_]*|[0-9][0-9_]*(?:[.][0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[.](?:inf|Inf|INF)|[.](?:nan|NaN|NAN)",
}
"""What is no string without quotes, as Go's yaml.v3 has it: `no`, `12:30` and `2026-01-31` are strings."""


def _decode_yaml(text: str) -> Any:
    require_extra("build", "a YAML config")
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML as JSON has it: no names twice, no aliases that grow, names and times as they are written."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - of this one load
            None: [
                (f"tag:yaml.org,2002:{kind}", re.compile(rf"(?:{written})\Z"))
                for kind, written in _YAML_SCALARS.items()
            ]
        }

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("aliases are not for configs: write the value again")
            return super().compose_node(parent, index)

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        pairs = []
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                raise yaml.YAMLError(f"the name in line {line} is no string")
            if name.value == "<<" and name.style is None:
                raise ValueError(
                    f"merge keys, as in line {line}, are not for configs: write the fields again"
                )
            pairs.append((name.value, loader.construct_object(value, deep=True)))
        return _object(pairs)

    def integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
        written = loader.construct_scalar(node).replace("_", "")
        digits = written.lstrip("+-")
        return int(written, 8 if digits.startswith("0") and digits.isdigit() else 0)

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_constructor("tag:yaml.org,2002:int", integer)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


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
