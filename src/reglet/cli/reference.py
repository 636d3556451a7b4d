"""What a plugin's reference page shows, read from its manifest so that it cannot drift.

Whatever a plugin says of itself is data: it is put into lines in which what is not printed as itself stands
as an escape. Who draws a page quotes each line for where it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from reglet.application.names import ROUTING
from reglet.domain.entities.grants import (
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
)
from reglet.domain.escaping import escape
from reglet.domain.policy.risk import assess_risk
from reglet.domain.time import DURATION_PATTERN

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest, OperationManifest


@frozen
class FieldRow:
    """One field of a config or an output; nested ones have their path: `rules[].port`, `labels.*`.

    Attributes:
        path: where it lies.
        type: in words: `string`, `list of integer`, `timestamp`.
        choices: the only values that it may have, as JSON; empty for any.
        required: whether a config must have it; None where the manifest leaves it to the operation.
        default: as JSON; None for no default.
        limits: bounds in words, such as `1 to 65535`.
        pattern: the regular expression that it must match, empty for none.
        description: the author's.
        deprecated: whether it should no longer be used.
        parent: how `path` begins, up to its own name: `rules[].`; empty at the top.
    """

    path: str
    type: str
    choices: tuple[str, ...] = ()
    required: bool | None = False
    default: str | None = None
    limits: tuple[str, ...] = ()
    pattern: str = ""
    description: str = ""
    deprecated: bool = False
    parent: str = ""

    @property
    def requirement(self) -> str:
        """The word for `required`."""
        return {True: "yes", False: "no", None: "maybe"}[self.required]

    @property
    def meaning(self) -> str:
        """Its description, values and bounds in a line."""
        parts = ["deprecated"] if self.deprecated else []
        parts += [self.description] if self.description else []
        parts += [f"one of {', '.join(self.choices)}"] if self.choices else []
        parts += [*self.limits, *([f"matches {self.pattern}"] if self.pattern else [])]
        parts += [f"default {self.default}"] if self.default is not None else []
        return "; ".join(parts)


@frozen
class CapabilityRow:
    """One rule of what a plugin declares: its kind, its words, and the risk as hosts assess it."""

    kind: str
    values: tuple[str, ...]
    ports: tuple[str, ...]
    risk: str
    reason: str


@frozen
class ExampleSection:
    """An example.

    Attributes:
        name: its name.
        description: the author's.
        profile: the observation of a profile that makes the check, as YAML.
        command: the command that makes it.
        answer: the data that is expected at least, as JSON; empty for none.
        error: the message with which it is expected not to succeed; empty where it is to succeed.
    """

    name: str
    description: str
    profile: str
    command: str
    answer: str
    error: str


@frozen
class OperationSection:
    """An operation: how a config names it, what it takes and answers, and its examples."""

    service: str
    name: str
    description: str
    routing: Mapping[str, str]
    inputs: tuple[FieldRow, ...]
    outputs: tuple[FieldRow, ...] | None
    examples: tuple[ExampleSection, ...]

    @property
    def anchor(self) -> str:
        """What links to it name."""
        return f"{self.service}.{self.name}".replace(" ", "-")


@frozen
class ServiceSection:
    """A service and its operations."""

    name: str
    description: str
    operations: tuple[OperationSection, ...]

    @property
    def examples(self) -> list[ExampleSection]:
        """The examples of its operations."""
        return [each for operation in self.operations for each in operation.examples]

    @property
    def anchor(self) -> str:
        """What links to it name."""
        return f"service-{self.name}".replace(" ", "-")


@frozen
class Reference:
    """All that a page shows, in lines of printable characters.

    Attributes:
        name: the plugin's.
        version: the plugin's.
        description: the plugin's.
        requirements: the SDK that made it and the oldest host, names and values.
        risk: the worst of its capabilities.
        capabilities: a row for each rule.
        config: the fields that no operation takes by itself: those of the plugin's config model.
        services: in declared order.
        profile: how a profile calls it, as YAML: the first example; empty where there is none.
        limits: what a host gives each check, names and values.
    """

    name: str
    version: str
    description: str
    requirements: Mapping[str, str]
    risk: str
    capabilities: tuple[CapabilityRow, ...]
    config: tuple[FieldRow, ...]
    services: tuple[ServiceSection, ...]
    profile: str
    limits: Mapping[str, str]


def reference_of(manifest: Manifest) -> Reference:
    """Return what the page of a plugin shows."""
    from reglet.domain.entities.records import MAX_BODY_BYTES
    from reglet.infrastructure.atomic import MIB
    from reglet.infrastructure.host.errors import Limits

    operations = [each for service in manifest.services.values() for each in service.operations]
    several, schema = len(operations) > 1, manifest.config_schema or {}
    taken = {*ROUTING, *(name for each in operations for name in each.input_fields)}
    others = [name for name in _members(schema, "properties") if name not in taken]
    services = [
        ServiceSection(
            line(each.name),
            line(each.description),
            tuple(_operation(manifest, each.name, one, several=several) for one in each.operations),
        )
        for each in manifest.services.values()
    ]
    requirements = {"made with SDK": manifest.sdk_version, "for hosts from": manifest.min_host_version}
    return Reference(
        line(manifest.name),
        line(manifest.version),
        line(manifest.description),
        {name: line(value) for name, value in requirements.items() if value},
        assess_risk(manifest.capabilities).level.name.lower(),
        tuple(capability_rows(manifest.capabilities)),
        tuple(_top_rows(schema, others)),
        tuple(services),
        next(
            (each.profile for service in services for one in service.operations for each in one.examples), ""
        ),
        {
            "memory": f"{Limits().memory // MIB} MB",
            "a config, and each request to the host": f"{Limits().request_bytes // MIB} MB",
            "the body of a response, the output of a command": f"{MAX_BODY_BYTES // MIB} MB",
            "threads": "one",
            "files, variables, hosts, commands": "what is granted, nothing else",
        },
    )


def _operation(
    manifest: Manifest, service: str, operation: OperationManifest, *, several: bool
) -> OperationSection:
    names = zip(ROUTING, (service, operation.name), strict=True)
    routing: dict[str, str] = dict(names) if several else {}
    plugin, examples = manifest.name, []
    for each in operation.examples:
        config = {} if each.input is None else each.input
        if isinstance(config, Mapping):
            config = {**routing, **config}
        profile = ["observations:", f"  - plugin: {_yaml_key(plugin)}", "    config:"]
        if isinstance(config, Mapping) and config:
            profile += [f"      {_yaml_key(name)}: {shown_json(value)}" for name, value in config.items()]
        else:
            profile[-1] += f" {shown_json(config)}"
        run = f"reglet-plugin run {quote(line(plugin) + '.wasm')}"
        section = ExampleSection(
            line(each.name),
            line(each.description),
            "\n".join(profile),
            " \\\n  ".join([run, f"--config {quote(shown_json(config))}", "--grants declared"]),
            "" if each.expected_output is None else shown_json(each.expected_output, indent=2),
            line(each.expected_error),
        )
        examples.append(section)
    return OperationSection(
        line(service),
        line(operation.name),
        line(operation.description),
        {name: shown_json(value) for name, value in routing.items()},
        tuple(_top_rows(manifest.config_schema or {}, operation.input_fields, several=several)),
        None if operation.output_schema is None else tuple(field_rows(operation.output_schema)),
        tuple(examples),
    )


_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_NOT_STRINGS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def _yaml_key(name: str) -> str:
    plain = _PLAIN_KEY.fullmatch(name) and name.lower() not in _NOT_STRINGS
    return name if plain else shown_json(name)


def line(text: str) -> str:
    """Return a string of the plugin as one line of printable characters."""
    return escape(" ".join(text.split()))


def shown_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON in which what is not printed as itself is an escape."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(each if each == "\n" or escape(each) == each else json.dumps(each)[1:-1] for each in text)


def field_rows(schema: Mapping[str, Any], prefix: str = "") -> list[FieldRow]:
    """Return a row for each field of an object's schema, nested ones after the one that holds them."""
    required = schema.get("required")
    names = required if isinstance(required, list | tuple) else ()
    return [
        row
        for name, each in _members(schema, "properties").items()
        if isinstance(each, Mapping)
        for row in _rows(prefix, line(name), each, required=name in names)
    ]


def _top_rows(
    schema: Mapping[str, Any], names: Sequence[str], *, several: bool = False
) -> Iterator[FieldRow]:
    """Yield the rows of some fields of a config.

    A manifest has one schema for all operations: where there are several, one of them may require a field
    that has no default and is not required.
    """
    properties = _members(schema, "properties")
    subset = {**schema, "properties": {name: properties.get(name, {}) for name in names}}
    tops = {line(name) for name in names}
    for row in field_rows(subset):
        unknown = several and row.path in tops and not row.required and row.default is None
        yield evolve(row, required=None) if unknown else row


def _members(schema: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
    members = schema.get(keyword)
    return members if isinstance(members, Mapping) else {}


_BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " entries"),
)


def _rows(parent: str, name: str, schema: Mapping[str, Any], *, required: bool = False) -> Iterator[FieldRow]:
    """Yield the row of a value, then those of what lies in it."""
    path, type_, choices = parent + name, _type(schema), schema.get("enum")
    bounds, limits = {key: shown_json(value) for key, value in schema.items()}, []
    for least, greatest, unit in _BOUNDS:
        if least in bounds and greatest in bounds:
            limits.append(f"{bounds[least]} to {bounds[greatest]}{unit}")
        elif least in bounds:
            limits.append(f"at least {bounds[least]}{unit}")
        elif greatest in bounds:
            limits.append(f"at most {bounds[greatest]}{unit}")
    if "exclusiveMinimum" in bounds:
        limits.append(f"more than {bounds['exclusiveMinimum']}")
    if "exclusiveMaximum" in bounds:
        limits.append(f"less than {bounds['exclusiveMaximum']}")
    yield FieldRow(
        path,
        type_,
        tuple(map(shown_json, choices)) if isinstance(choices, list | tuple) else (),
        required,
        shown_json(schema["default"]) if "default" in schema else None,
        tuple(limits),
        "" if type_ == "duration" else line(str(schema.get("pattern", ""))),
        line(str(schema.get("description") or schema.get("title") or "")),
        schema.get("deprecated") is True,
        parent,
    )
    yield from field_rows(schema, f"{path}.")
    for key, step in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(key), Mapping):
            own, *inner = _rows(path, step, schema[key])
            if own != FieldRow(own.path, own.type, parent=path):  # else the type of its holder says as much
                yield own
            yield from inner


_IMPLIED_TYPES = {"properties": "object", "items": "array", "pattern": "string", "format": "string"}
"""What a value is whose type its schema leaves out, as output schemas do where null may stand."""


def _type(schema: Mapping[str, Any]) -> str:
    given = schema.get("type") or next((kind for key, kind in _IMPLIED_TYPES.items() if key in schema), "any")
    if isinstance(given, list | tuple):
        return " or ".join(line(str(each)) for each in given)
    if given == "array":
        return f"list of {_type(schema['items'])}" if isinstance(schema.get("items"), Mapping) else "list"
    if given == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"map of {_type(schema['additionalProperties'])}"
    if given == "string" and schema.get("pattern") == DURATION_PATTERN:
        return "duration"
    if given == "string" and schema.get("format"):
        return "timestamp" if schema["format"] == "date-time" else line(str(schema["format"]))
    return line(str(given))


def capability_rows(grants: GrantSet) -> Iterator[CapabilityRow]:
    """Yield a row for each rule, and for each of what it reads and writes."""
    for network in grants.network.rules if grants.network else ():
        rule = GrantSet(network=NetworkCapability([network]))
        yield _capability("network", network.hosts, rule, network.ports)
    for each in grants.fs.rules if grants.fs else ():
        if each.read:
            rule = GrantSet(fs=FileSystemCapability([FileSystemRule(read=each.read)]))
            yield _capability("read files", each.read, rule)
        if each.write:
            rule = GrantSet(fs=FileSystemCapability([FileSystemRule(write=each.write)]))
            yield _capability("write files", each.write, rule)
    if grants.env and grants.env.vars:
        yield _capability("read variables", grants.env.vars, GrantSet(env=grants.env))
    if grants.exec and grants.exec.commands:
        yield _capability("run commands", grants.exec.commands, GrantSet(exec=grants.exec))
    for keys in grants.kv.rules if grants.kv else ():
        yield _capability(f"{keys.op} keys", keys.keys, GrantSet())


def _capability(
    kind: str, values: tuple[str, ...], rule: GrantSet, ports: tuple[str, ...] = ()
) -> CapabilityRow:
    risk = assess_risk(rule)
    reason = risk.factors[0].description.lower() if risk.factors else "not assessed"
    return CapabilityRow(
        line(kind), tuple(map(line, values)), tuple(map(line, ports)), risk.level.name.lower(), reason
    )
