"""All that hosts ask a plugin: a probe for each row of the table, which yields the remarks on it."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from reglet.application.lint import lint_manifest
from reglet.application.names import ROUTING
from reglet.domain.entities.grants import (
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.records import MAX_BODY_BYTES
from reglet.domain.entities.result import Result
from reglet.domain.policy import Policy
from reglet.domain.urls import DNS_PORT, SCHEME_PORTS
from reglet.infrastructure.host.dispatcher import HostCallEvent
from reglet.infrastructure.wire.messages import encode_failure
from reglet.sandbox import Dialect, Sandbox, SandboxError
from reglet.testing.conformance.hosts import (
    EVERY,
    LIMITS,
    NEWER,
    OLDER,
    ON_SDK,
    SEED,
    ConstantHost,
    CountedCalls,
    Figures,
    Host,
    PluginForm,
    Remark,
    fails,
    misfits,
    warns,
    why_invalid,
)

Probe: TypeAlias = Callable[[PluginForm], Iterable[Remark]]

_EVIDENCE_BYTES = 1 << 20
_ENOUGH_CHECKS = 100_000
"""A plugin whose memory would not last for as many of one instance is remarked on."""
_READ_BY_VALIDATORS = (Host.APP, Host.OLDER_APP)
"""Those that compile the config schema, in Go, and validate configs by it before a check."""


def manifest(plugin: PluginForm) -> Iterator[Remark]:
    """The same bytes twice; a name and a version; what makes no commands."""
    for export in ("describe", "schema") if plugin.dialect is Dialect.OLDER else ("_manifest",):
        with plugin.loaded() as module:
            if module.answer(export) != module.answer(export):
                yield fails(EVERY, "two guests give two manifests: users are asked again each time")
    for name in ("name", "version"):
        if not getattr(plugin.manifest, name):
            yield fails(EVERY, f"the manifest has no {name}")
    if not plugin.manifest.name.replace("-", "").replace("_", "").isalnum():
        yield fails(
            _READ_BY_VALIDATORS,
            f"the name {plugin.manifest.name!r} cannot be a folder's: use letters, digits, _ and -",
        )
    for finding in lint_manifest(plugin.manifest):
        if finding.code.startswith(("R0", "R2")):
            say = fails if finding.severity == "error" else warns
            yield say((Host.TACK,), f"{finding.code} {finding.where}: {finding.message}")


def schemas(plugin: PluginForm) -> Iterator[Remark]:
    """JSON Schemas, that Go can compile, and that flags can be made of."""
    found = [("config_schema", plugin.manifest.config_schema or {})]
    found += [
        (f"{service}.{each.name}.output_schema", each.output_schema or {})
        for service, each in plugin.operations
    ]
    for where, schema in found:
        if reason := why_invalid(schema):
            yield fails(EVERY, f"{where} is no JSON Schema: {reason}")
    for where, value in _strings_in(plugin.schema):
        if where.endswith(".pattern") and _NOT_IN_GO.search(value):
            yield fails(
                _READ_BY_VALIDATORS, f"config_schema{where}: Go cannot compile the pattern {value!r:.100}"
            )
        elif where.endswith(".$ref") and not value.startswith("#"):
            yield fails(_READ_BY_VALIDATORS, f"config_schema{where}: {value!r:.100} is another document")
    yield from flags(plugin)


def flags(plugin: PluginForm) -> Iterator[Remark]:
    """Properties that tack makes flags of, all of a plugin or none."""
    for name, each in plugin.properties.items():
        if not isinstance(each, dict):
            message = f"config_schema.properties.{name} is no object, so no flag of any field can be made"
            yield fails((Host.TACK,), message)
        elif isinstance(each.get("type"), list):
            message = f"config_schema.properties.{name} has several types, which no flags can be made of"
            yield fails((Host.TACK,), message)
    required = plugin.schema.get("required")
    for finding in lint_manifest(plugin.manifest):
        if finding.code.startswith("R1"):
            unsent = (
                finding.code == "R101"
                and isinstance(required, list)
                and finding.where.rpartition(".")[2] in required
            )
            say = fails if unsent else warns
            yield say((Host.TACK,), f"{finding.code} {finding.where}: {finding.message}")


def capabilities(plugin: PluginForm) -> Iterator[Remark]:
    """Patterns that can be read, that users are not warned of, and that hosts have something for."""
    for error in Policy(plugin.manifest.capabilities, cwd="/").errors:
        yield fails(EVERY, error)
    for finding in lint_manifest(plugin.manifest):
        if finding.code.startswith("R3"):
            yield warns(NEWER, f"{finding.code} {finding.where}: {finding.message}")
    for kind in ("fs", "env"):
        if getattr(plugin.manifest.capabilities, kind) is not None:
            yield warns(ON_SDK, f"capabilities.{kind}: it gives plugins no files and no variables")


def grants(plugin: PluginForm) -> Iterator[Remark]:
    """An example of each operation, with what each host grants: what is declared, or what it goes by."""
    for config in plugin.bases:
        for host in plugin.hosts:
            granted, why = _granted_by(host, plugin.manifest, config)
            events: list[HostCallEvent] = []
            plugin.check(config, plugin.host(host.dialect, grants=granted, observer=events.append))
            for missing in dict.fromkeys(each.decision for each in events if each.allowed is False):
                yield warns((host,), f"{_shown(config)} is denied {missing}: {why}")


def _granted_by(host: Host, manifest: Manifest, config: Mapping[str, Any]) -> tuple[GrantSet, str]:
    """Return what a host grants for a check, and how it comes to that.

    Plugins of some names are judged on their config, not on what they declare.
    """
    name, declared = manifest.name, (manifest.capabilities, "its capabilities do not cover it")
    if host is Host.OLDER_APP and name == "tcp" and config.get("host"):
        return GrantSet(), "a plugin of the name tcp is granted its host there and no port; rename it"
    if host is not Host.TACK or name not in ("file", "command", "http", "tcp", "dns", "smtp"):
        return declared
    given = {key: value for key, value in config.items() if isinstance(value, str) and value}
    found = GrantSet()
    if name == "file" and "path" in given:
        found = GrantSet(fs=FileSystemCapability([FileSystemRule([given["path"]])]))
    elif name == "command":
        words = given.get("run", "").split()
        commands = [given[key] for key in ("command", "cmd") if key in given][:1]
        found = GrantSet(exec=ExecCapability([*commands, *(("/bin/sh", words[0]) if words else ())]))
    elif name != "file":
        scheme, _, rest = given.get("url", "").partition("://")
        hosts = [re.split("[/:]", rest, maxsplit=1)[0]] if rest else []
        ports = [str(SCHEME_PORTS[scheme])] if rest and scheme in SCHEME_PORTS else []
        hosts += [given[key] for key in ("host", "target", "nameserver") if key in given]
        ports += [str(DNS_PORT)] if "nameserver" in given else []
        ports += [str(config["port"])] if config.get("port") else []
        if hosts or ports:
            found = GrantSet(network=NetworkCapability([NetworkRule(hosts or ["*"], ports or ["*"])]))
    return found, f"a plugin of the name {name} is granted what its config names there; another name is not"


def dialects(plugin: PluginForm) -> Iterator[Remark]:
    """An example of each operation where every host call succeeds, in each spelling."""
    hosts_of = {
        dialect: tuple(host for host in plugin.hosts if host.dialect is dialect)
        for dialect in (plugin.dialect, *(host.dialect for host in plugin.hosts))
    }
    for config in plugin.bases:
        asked = {dialect: CountedCalls(plugin.host(dialect)) for dialect in hosts_of}
        results = {dialect: plugin.check(config, functions) for dialect, functions in asked.items()}
        usual = results[plugin.dialect]
        for dialect, hosts in hosts_of.items():
            yield from _remarks_on(results[dialect], hosts, f"with {_shown(config)} in dialect {dialect}")
            if results[dialect].is_error and not usual.is_error:
                said = f"works in dialect {plugin.dialect}; in dialect {dialect}: {_said(results[dialect])}"
                yield fails(hosts, f"{_shown(config)} {said}")
        unasked = not any(each.requests for each in asked.values())
        if usual.error and usual.error.type != "capability" and unasked:
            yield warns(EVERY, f"{_shown(config)} is an error before any host call: {_said(usual)}")


def examples(plugin: PluginForm) -> Iterator[Remark]:
    """Every example of the manifest; configs and data as their schemas have them."""
    alone = len(list(plugin.operations)) == 1
    for service, operation in plugin.operations:
        for example in operation.examples:
            if not isinstance(example.input, dict):
                message = f"the example {example.name} of {service}.{operation.name} is no object"
                yield warns((Host.TACK,), message)
                continue
            routed = {**example.input, "service": service, "operation": operation.name}
            for reason in misfits(example.input if alone else routed, plugin.schema):
                if not example.expected_error:
                    yield fails((Host.APP,), f"the config of its example {example.name} is refused: {reason}")
            result = plugin.check(routed)
            yield from _remarks_on(result, NEWER, f"in its example {example.name}")
            for reason in misfits(result.data, operation.output_schema or {}) if result.is_success else ():
                yield warns(
                    NEWER, f"the output of its example {example.name} does not fit its schema: {reason}"
                )


def routes(plugin: PluginForm) -> Iterator[Remark]:
    """`service` and `operation` sent though there is one, left out where there is one, and wrong."""
    for config in plugin.bases if len(plugin.bases) == 1 else ():
        bare = {key: value for key, value in config.items() if key not in ROUTING}
        routed, unrouted = plugin.check(config), plugin.check(bare)
        if unrouted.is_error and not routed.is_error:
            message = "its one operation wants service and operation, which profiles leave out"
            yield fails((Host.APP,), f"{message}: {_said(unrouted)}")
        elif routed.is_error and not unrouted.is_error:
            message = "service and operation, which are always sent, are refused"
            yield fails((Host.TACK,), f"{message}: {_said(routed)}")
    for wrong in ({"service": "no-such"}, {"operation": "no-such"}, {"service": 5, "operation": []}):
        result = plugin.check({**plugin.bases[0], **wrong})
        yield from _remarks_on(result, NEWER, f"with {_shown(wrong)}")


def defaults(plugin: PluginForm) -> Iterator[Remark]:
    """Fields with a default left out, as hosts do that send only what the user gave."""
    known = {
        name: each["default"]
        for name, each in plugin.properties.items()
        if isinstance(each, dict) and "default" in each
    }
    for config, (_, operation) in zip(plugin.bases, plugin.operations, strict=False):
        wanted = {key: value for key, value in known.items() if key in (operation.input_fields or known)}
        least = {key: value for key, value in config.items() if key not in wanted}
        asked = [CountedCalls(plugin.host()) for _ in range(2)]
        left_out, given = plugin.check(least, asked[0]), plugin.check({**wanted, **least}, asked[1])
        if (left_out.status, len(asked[0].requests)) != (given.status, len(asked[1].requests)):
            differs = f"{_said(left_out)}; with {_shown(wanted)}: {_said(given)}"
            yield fails(
                ON_SDK, f"defaults, which are not sent, are not applied: {_shown(least)} gives {differs}"
            )


def bad_configs(plugin: PluginForm) -> Iterator[Remark]:
    """Nothing, what is not JSON, what is no object, what is too deep or too large: errors as Results."""
    for config, is_json in _BAD_CONFIGS:
        result = plugin.check(config)
        what = f"with the config {config[:30]!r}"
        yield from _remarks_on(result, EVERY, what)
        if not is_json and not result.is_error:
            say = fails if result.is_success else warns
            yield say(EVERY, f"{what}, which is not JSON, it is a {result.status}")


def denials(plugin: PluginForm) -> Iterator[Remark]:
    """Nothing granted, in each host's words."""
    for config in plugin.bases:
        for dialect in dict.fromkeys(host.dialect for host in plugin.hosts):
            hosts = tuple(host for host in plugin.hosts if host.dialect is dialect)
            asked = CountedCalls(plugin.host(dialect, grants=GrantSet()))
            result = plugin.check(config, asked)
            yield from _remarks_on(result, hosts, "where nothing is granted")
            if asked.requests and result.is_error and result.error and result.error.type != "capability":
                yield warns(
                    hosts, f"a denial in dialect {dialect} arrives as {_said(result)}, not as type capability"
                )


def broken_answers(plugin: PluginForm) -> Iterator[Remark]:
    """Host calls that are answered with nothing, with the wrong record, with other types."""
    for content in _BROKEN_ANSWERS:
        for config in plugin.bases:
            result = plugin.check(config, ConstantHost(content))
            yield from _remarks_on(result, EVERY, f"where host calls are answered {content[:40]!r}")


def random_configs(plugin: PluginForm) -> Iterator[Remark]:
    """Configs made from the schema, every other one with an odd value."""
    chance = random.Random(SEED)  # noqa: S311 - the same configs each time
    fields = [operation.input_fields for _, operation in plugin.operations] or [()]
    with plugin.loaded() as module:
        for index in range(plugin.configs):
            config = plugin.random_config(chance, chance.choice(fields))
            if index % 2:
                config = {**chance.choice(plugin.bases), **config}
                config[chance.choice([*config, "no-such"])] = chance.choice(_ODD_VALUES)
            try:
                result = module.check(config, fresh=False)
            except SandboxError as error:
                yield fails(EVERY, f"with {_shown(config)}: {error}")
                return
            yield from _remarks_on(result, EVERY, f"with {_shown(config)}")


def one_instance(plugin: PluginForm) -> Iterator[Remark]:
    """Many checks of one guest, whose buffers are never given back; where that fails, given back."""
    broken = _worn_out(plugin, release=False)
    if broken:
        yield fails(ON_SDK, f"{broken}; its buffers are never given back")
        if broken := _worn_out(plugin, release=True):
            yield fails((Host.APP,), broken)
        return
    figures = plugin.figures
    grown = figures.last_memory - figures.first_memory
    left = LIMITS.memory - figures.first_memory
    if grown * _ENOUGH_CHECKS > left * plugin.checks:
        a_check = f"{grown / plugin.checks:.0f} bytes a check"
        yield warns(ON_SDK, f"the memory of one instance grows by {a_check}, of which {left} are left")


def _worn_out(plugin: PluginForm, *, release: bool) -> str:
    """Return which check of one guest is the first that fails or differs, and how; measure them."""
    config = plugin.bases[0]
    with plugin.loaded() as module:
        first = module.check(config, fresh=False, release=release)
        first_memory, started = module.kept_memory(), time.monotonic()
        for number in range(2, plugin.checks + 2):
            try:
                result = module.check(config, fresh=False, release=release)
            except SandboxError as error:
                return f"check {number} of one instance: {error}"
            if (result.status, result.data is None) != (first.status, first.data is None):
                return f"check {number} of one instance is another result than the first: {_said(result)}"
        seconds = (time.monotonic() - started) / max(plugin.checks, 1)
        plugin.figures = Figures(0.0, seconds, first_memory, module.kept_memory())
    return ""


def repetition(plugin: PluginForm) -> Iterator[Remark]:
    """The same check makes the same host calls, and a Result of the same status with the same data."""
    for config in plugin.bases:
        asked = [CountedCalls(plugin.host()) for _ in range(2)]
        first, second = (plugin.check(config, functions) for functions in asked)
        calls = [[name for name, _request in each.requests] for each in asked]
        if calls[0] != calls[1]:
            yield warns(EVERY, f"{_shown(config)} makes other host calls the second time")
        if (first.status, set(first.data or ())) != (second.status, set(second.data or ())):
            yield warns(EVERY, f"{_shown(config)} gives another Result the second time")


def limits(plugin: PluginForm) -> Iterator[Remark]:
    """Bodies and outputs of 10 MB, a config of 1 MB, a result larger than is kept."""
    body = b"x" * MAX_BODY_BYTES
    for config in plugin.bases:
        result = plugin.check(config, plugin.host(body=body))
        yield from _remarks_on(result, EVERY, f"where bodies and outputs have {MAX_BODY_BYTES} bytes")
        size = len(json.dumps(result.data))
        if size > _EVIDENCE_BYTES:
            yield warns(_READ_BY_VALIDATORS, f"a result of {size} bytes is cut to {_EVIDENCE_BYTES}")
    padded = {**plugin.bases[0], "padding": "x" * (_EVIDENCE_BYTES - 4096)}
    yield from _remarks_on(plugin.check(padded), EVERY, "with a config of 1 MB")


PROBES: tuple[tuple[str, tuple[Host, ...], Probe], ...] = (
    ("manifest", EVERY, manifest),
    ("schemas", EVERY, schemas),
    ("capabilities", EVERY, capabilities),
    ("grants", EVERY, grants),
    ("dialects", EVERY, dialects),
    ("examples", NEWER, examples),
    ("routing", NEWER, routes),
    ("defaults", ON_SDK, defaults),
    ("bad configs", EVERY, bad_configs),
    ("denials", EVERY, denials),
    ("broken answers", EVERY, broken_answers),
    ("random configs", EVERY, random_configs),
    ("one instance", NEWER, one_instance),
    ("repetition", EVERY, repetition),
    ("limits", EVERY, limits),
)
"""The title of each row, the hosts that it concerns, and its probe; in the order of the table."""


def older_form(binary: bytes) -> Iterator[Remark]:
    """The records that the older app reads: a description, a schema, and evidence with a boolean."""
    wanted = {
        "describe": (None, {"name", "version", "capabilities"}),
        "schema": (None, set[str]()),
        "observe": (b"{}", {"status", "timestamp"}),
    }
    with Sandbox(limits=LIMITS, dialect=Dialect.OLDER) as sandbox:
        module = sandbox.load(binary)
        for export, (config, names) in wanted.items():
            try:
                content = json.loads(module.answer(export, config))
            except ValueError as error:
                yield fails(OLDER, f"{export} answers what is not JSON: {error}")
                continue
            items = content.items() if isinstance(content, dict) else ()
            members = {key.lower(): value for key, value in items}
            if not isinstance(content, dict) or not names <= members.keys():
                shown = f"{json.dumps(content):.200}"
                yield fails(OLDER, f"{export} answers {shown}, without {', '.join(sorted(names))}")
            elif export == "observe" and type(members["status"]) is not bool:
                yield fails(OLDER, "observe answers a status that is no boolean")


_BAD_CONFIGS: tuple[tuple[bytes, bool], ...] = (
    (b"", False),
    (b"{", False),
    (b"\xff\xfe{}", False),
    (b'{"a": tru}', False),
    (b"[" * 100_000, False),
    (b"null", True),
    (b"[]", True),
    (b'"config"', True),
    (b"{}", True),
    (b'{"a":' * 500 + b"1" + b"}" * 500, True),
    (b'{"n": ' + b"9" * 5_000 + b"}", True),
    (b'{"n": 1e400}', True),
    (b'{"a": 1, "a": 2}', True),
    ('{"\u202e": "\\u0000\\ud800"}'.encode(), True),
)
_BROKEN_ANSWERS = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff",
    b'{"error": "INTERNAL_ERROR"}',
    b'{"error": 5}',
    b'{"error": {"message": 5, "type": []}}',
    b'{"error": {"type": "SSRF_BLOCKED", "message": "blocked"}}',
    b'{"status_code": -1, "headers": 5, "body": "?", "records": {}, "exit_code": 1e99, "duration_ms": 1e300}',
    encode_failure("VALIDATION_ERROR", "network capability denied: example.com:443"),
    encode_failure("NOT_FOUND", "there is no such function"),
)
_ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**63, 1.5, 1e308, "", "x" * 10_000, "\0", "\u202e", "443", "true", "-1"),
    *([], [None], {}, {"a": {}}),
)
_NOT_IN_GO = re.compile(r"\(\?(?:[=!>]|<[=!]|P=)|\\[1-9]|[*+?}]\+")
"""What Python's regular expressions have and Go's have not: looking around, back references, possession."""


def _strings_in(schema: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string below a schema with the path to it."""
    if isinstance(schema, str):
        yield where, schema
    members = enumerate(schema) if isinstance(schema, list) else ()
    for key, value in schema.items() if isinstance(schema, dict) else members:
        yield from _strings_in(value, f"{where}.{key}")


def _remarks_on(result: Result, hosts: tuple[Host, ...], when: str) -> Iterator[Remark]:
    """Yield what is wrong with a Result whatever was asked."""
    error = result.error
    if error is not None and error.type == "panic":
        yield fails(hosts, f"it has a bug {when}: {_said(result)}")
    if result.is_error and (error is None or not (error.message or result.message)):
        yield warns(hosts, f"an error without a message {when}")
    if error is not None and not result.is_error:
        yield warns((Host.APP,), f"a {result.status} with an error {when}: expectations are skipped")


def _said(result: Result) -> str:
    if result.error is None:
        return f"a {result.status}"
    return f"{result.error.type} {result.error.message!r:.200}"


def _shown(config: Mapping[str, Any]) -> str:
    return f"{json.dumps(config):.120}"
