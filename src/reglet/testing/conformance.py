"""How a plugin in any language fares on each host: one `.wasm` file, asked everything that hosts ask.

It runs in guests of our own sandbox, whose host calls are answered in the dialect of each host.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

from attrs import asdict, evolve, field, frozen

from reglet.application.lint import lint_manifest
from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import Manifest, OperationManifest
from reglet.domain.entities.records import (
    MAX_BODY_BYTES,
    CommandResult,
    HTTPResponse,
    MXRecord,
    ObservedConnection,
    SMTPConnectResult,
)
from reglet.domain.entities.result import Result
from reglet.domain.policy import Policy
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.host import HostDispatcher, HostPorts
from reglet.infrastructure.wasm.inspect import read_plugin
from reglet.infrastructure.wire.failures import encode_failure
from reglet.infrastructure.wire.record import Dialect
from reglet.sandbox import Module, NotAPluginError, Sandbox, SandboxError
from reglet.testing.runners import EVERYTHING

ROUTING_KEYS = ("service", "operation")
_EVIDENCE_BYTES = 1 << 20
_SEED = 1
_LOADS = "loads"
_MOST_NESTED = 4
_MOST_CHOSEN = 2**53


class Host(StrEnum):
    """The hosts that plugins meet."""

    SDK = "Go host SDK"
    APP = "Reglet app"
    OLDER_APP = "older app"
    TACK = "tack"


class Outcome(StrEnum):
    """What a host would do; a row shows the worst."""

    WORKS = "works"
    WARNING = "warning"
    FAILS = "fails"
    NOT_FOR_IT = "-"


_ON_SDK = (Host.SDK, Host.TACK)
_NEWER = (Host.SDK, Host.APP, Host.TACK)


@frozen
class Remark:
    """One thing that hosts would not take well."""

    hosts: tuple[Host, ...]
    outcome: Outcome
    message: str


@frozen
class Row:
    """What was looked at, which hosts it concerns, and the remarks on it."""

    subject: str
    hosts: tuple[Host, ...]
    remarks: tuple[Remark, ...] = ()

    def outcome(self, host: Host) -> Outcome:
        """Return what a host would do: its worst remark."""
        if host not in self.hosts:
            return Outcome.NOT_FOR_IT
        found = {each.outcome for each in self.remarks if host in each.hosts}
        return next(
            (each for each in (Outcome.FAILS, Outcome.WARNING, Outcome.NOT_FOR_IT) if each in found),
            Outcome.WORKS,
        )


@frozen
class Report:
    """A whole run: its rows, and the seconds that a first and a further check took."""

    rows: tuple[Row, ...]
    first_seconds: float = 0.0
    further_seconds: float = 0.0

    @property
    def failing(self) -> tuple[Host, ...]:
        """The hosts on which the plugin would fail."""
        return tuple(host for host in Host if any(row.outcome(host) is Outcome.FAILS for row in self.rows))

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "rows": [
                {
                    "subject": row.subject,
                    "outcomes": {host: row.outcome(host) for host in Host},
                    "remarks": [asdict(remark) for remark in row.remarks],
                }
                for row in self.rows
            ],
            "first_seconds": self.first_seconds,
            "further_seconds": self.further_seconds,
            "failing": list(self.failing),
        }


def verify(
    binary: bytes,
    *,
    checks: int = 10_000,
    configs: int = 1_000,
    progress: Callable[[str], object] = lambda _subject: None,
) -> Report:
    """Ask a plugin everything that hosts ask, and return what each host would do.

    Args:
        binary: the `.wasm` file.
        checks: how many checks one instance runs, none of whose buffers is given back.
        configs: how many configs are made from the plugin's schema, or near it.
        progress: is given the subject of each row before it is looked at.

    Raises:
        MissingPackageError: wasmtime is not installed.
    """
    progress(_LOADS)
    started = time.monotonic()
    with Sandbox() as sandbox:
        try:
            manifest = sandbox.load(binary).manifest()
        except SandboxError as error:
            hosts = _NEWER if isinstance(error, NotAPluginError) or _lacks_older_form(binary) else tuple(Host)
            return Report((Row(_LOADS, hosts, (_fails(hosts, str(error)),)),))
    first = time.monotonic() - started
    subject = _Subject(binary, manifest, checks, configs)
    rows = [Row(_LOADS, _NEWER)]
    for title, hosts, look in _looks:
        progress(title)
        remarks: list[Remark] = []
        try:
            remarks.extend(look(subject))
        except SandboxError as error:
            remarks.append(_fails(hosts, str(error)))
        rows.append(Row(title, hosts, tuple(dict.fromkeys(remarks))))
    return Report(tuple(rows), first, subject.further_seconds)


class _WorkingHost:
    """Ports of a host where everything is there and answers at once."""

    def __init__(self, body: bytes = b"ok\n") -> None:
        self._body = body

    def do(self, request: object) -> HTTPResponse:
        del request
        return HTTPResponse(200, {"Content-Type": "text/plain"}, self._body, "HTTP/1.1")

    def get(self, url: str) -> HTTPResponse:
        return self.do(url)

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        return self.do((url, content_type, body))

    def lookup_host(self, host: str, **_: object) -> list[str]:
        del host
        return ["192.0.2.1", "2001:db8::1"]

    def lookup_cname(self, host: str, **_: object) -> str:
        return host

    def lookup_mx(self, host: str, **_: object) -> list[MXRecord]:
        return [MXRecord(f"mail.{host}", 10)]

    def lookup_txt(self, host: str, **_: object) -> list[str]:
        return [f"v=spf1 include:{host} -all"]

    def lookup_ns(self, host: str, **_: object) -> list[str]:
        return [f"ns.{host}"]

    def dial(self, address: str) -> ObservedConnection:
        return ObservedConnection(address, "192.0.2.2:40000")

    def dial_with_timeout(self, address: str, timeout: object) -> ObservedConnection:
        del timeout
        return self.dial(address)

    def dial_secure(self, address: str, timeout: object, tls: bool) -> ObservedConnection:
        del timeout
        return evolve(self.dial(address), is_tls=tls)

    def connect(self, host: str, port: int, *_: object) -> SMTPConnectResult:
        return SMTPConnectResult(banner=f"220 {host} ESMTP", address=f"192.0.2.1:{port}")

    def run(self, request: object) -> CommandResult:
        del request
        return CommandResult(self._body.decode(), "", 0)


@frozen
class _Answers:
    """A host that answers every call with the same bytes."""

    content: bytes

    def call(self, name: str, request: bytes) -> bytes:
        del name, request
        return self.content


@frozen
class _Counted:
    """Passes host calls on and counts them: without any, a plugin's answer owes nothing to its host."""

    functions: HostFunctions
    requests: list[tuple[str, bytes]] = field(factory=list)

    def call(self, name: str, request: bytes) -> bytes:
        if name != "log_message":
            self.requests.append((name, request))
        return self.functions.call(name, request)


@frozen
class _Subject:
    """The plugin that is looked at."""

    binary: bytes = field(repr=False)
    manifest: Manifest
    checks: int
    configs: int
    seconds: list[float] = field(factory=list)

    @property
    def further_seconds(self) -> float:
        """How long one of many checks took."""
        return self.seconds[-1] if self.seconds else 0.0

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The config schema, empty where it is none."""
        schema = self.manifest.config_schema or {}
        return {} if _why_invalid(schema) else schema

    @property
    def operations(self) -> Iterator[tuple[str, OperationManifest]]:
        """Every operation with the name of its service."""
        for service in self.manifest.services.values():
            for operation in service.operations:
                yield service.name, operation

    @cached_property
    def bases(self) -> list[dict[str, Any]]:
        """Configs that a host may send: the first example of each operation, or the least that fits."""
        found = []
        for service, operation in self.operations:
            inputs = [each.input for each in operation.examples if not each.expected_error]
            chosen = next((each for each in inputs if isinstance(each, dict)), None)
            least = _example_of(self.schema, random.Random(_SEED), operation.input_fields)  # noqa: S311
            found.append(
                {
                    **(least if chosen is None else chosen),
                    **dict(zip(ROUTING_KEYS, (service, operation.name), strict=True)),
                }
            )
        return found or [_example_of(self.schema, random.Random(_SEED))]  # noqa: S311

    def host(
        self, dialect: Dialect, *, grants: GrantSet | None = None, body: bytes = b"ok\n"
    ) -> HostDispatcher:
        """Return a host where everything works, or where only `grants` are granted."""
        working: Any = _WorkingHost(body)
        granted = EVERYTHING.merge(self.manifest.capabilities) if grants is None else grants
        ports = HostPorts(working, working, working, working, working)
        return HostDispatcher(ports, Policy(granted), dialect=dialect)

    @contextmanager
    def loaded(self, functions: HostFunctions) -> Iterator[Module]:
        """Yield the module, on a host that gives it no files and a value for each variable that it names."""
        variables = self.manifest.capabilities.env
        environment = dict.fromkeys(variables.vars if variables else (), "AKIAEXAMPLE")
        grants = GrantSet(env=variables)
        with Sandbox(grants, functions=functions, environment=environment) as sandbox:
            yield sandbox.load(self.binary)

    def check(self, config: bytes | Mapping[str, Any], functions: HostFunctions) -> Result:
        """Run one check in a guest of its own."""
        with self.loaded(functions) as module:
            return module.check(config)


_Look: TypeAlias = Callable[[_Subject], Iterable[Remark]]
_looks: list[tuple[str, tuple[Host, ...], _Look]] = []
"""What is looked at: the subject of the row, the hosts that it concerns, and the function; in this order."""


def _row(subject: str, hosts: tuple[Host, ...]) -> Callable[[_Look], _Look]:
    """Add a function to what is looked at."""

    def add(look: _Look) -> _Look:
        _looks.append((subject, hosts, look))
        return look

    return add


def _lacks_older_form(binary: bytes) -> bool:
    return not {"describe", "schema", "observe"} <= read_plugin(binary).exported_functions


@_row("manifest", _NEWER)
def _manifest(subject: _Subject) -> Iterator[Remark]:
    manifest = subject.manifest
    with subject.loaded(subject.host(Dialect.ABI)) as module:
        if module.manifest() != manifest:
            yield _fails(_NEWER, "two guests give two manifests: users are asked again each time")
    for name in ("name", "version"):
        if not getattr(manifest, name):
            yield _fails(_NEWER, f"the manifest has no {name}")
    if not manifest.name.replace("-", "").replace("_", "").isalnum():
        yield _fails(
            (Host.APP,),
            f"the name {manifest.name!r} cannot be a folder's: use letters, digits, _ and -",
        )
    for finding in lint_manifest(manifest):
        if finding.code.startswith(("R0", "R2")):
            severity = Outcome.FAILS if finding.severity == "error" else Outcome.WARNING
            yield Remark((Host.TACK,), severity, f"{finding.code} {finding.where}: {finding.message}")


@_row("schemas", _NEWER)
def _schema(subject: _Subject) -> Iterator[Remark]:
    schemas = [("config_schema", subject.manifest.config_schema or {})]
    schemas += [
        (f"{service}.{each.name}.output_schema", each.output_schema or {})
        for service, each in subject.operations
    ]
    for where, schema in schemas:
        reason = _why_invalid(schema)
        if reason:
            yield _fails(_NEWER, f"{where} is no JSON Schema: {reason}")
    properties = subject.schema.get("properties")
    required = subject.schema.get("required")
    for name, each in properties.items() if isinstance(properties, dict) else ():
        if isinstance(each, dict) and isinstance(each.get("type"), list):
            yield _fails(
                (Host.TACK,),
                f"config_schema.properties.{name} has several types, which no flags can be made of",
            )
    for finding in lint_manifest(subject.manifest):
        if finding.code.startswith("R1"):
            unsent = (
                finding.code == "R101"
                and isinstance(required, list)
                and finding.where.rpartition(".")[2] in required
            )
            yield Remark(
                (Host.TACK,),
                Outcome.FAILS if unsent else Outcome.WARNING,
                f"{finding.code} {finding.where}: {finding.message}",
            )


@_row("capabilities", _NEWER)
def _capabilities(subject: _Subject) -> Iterator[Remark]:
    for error in Policy(subject.manifest.capabilities, cwd="/").errors:
        yield _fails(_NEWER, error)
    for finding in lint_manifest(subject.manifest):
        if finding.code.startswith("R3"):
            yield _warns(_NEWER, f"{finding.code} {finding.where}: {finding.message}")

    for kind in ("fs", "env"):
        if getattr(subject.manifest.capabilities, kind) is not None:
            yield _warns(_ON_SDK, f"capabilities.{kind}: it gives plugins no files and no variables")


@_row("dialects", _NEWER)
def _dialects(subject: _Subject) -> Iterator[Remark]:
    for config in subject.bases:
        hosts_asked = {dialect: _Counted(subject.host(dialect)) for dialect in Dialect}
        results = {dialect: subject.check(config, asked) for dialect, asked in hosts_asked.items()}
        for dialect, result in results.items():
            hosts = _ON_SDK if dialect is Dialect.HOSTLIB else (Host.APP,)
            yield from _remarks_on(result, hosts, f"with {_shown(config)} in dialect {dialect}")
            if result.is_error and not results[Dialect.ABI].is_error:
                yield _fails(
                    hosts,
                    f"{_shown(config)} works in dialect abi; in dialect {dialect}: {_said(result)}",
                )
        error = results[Dialect.ABI].error
        asked = any(each.requests for each in hosts_asked.values())
        if error and error.type != "capability" and not asked:
            yield _warns(
                _NEWER, f"{_shown(config)} is an error before any host call: {_said(results[Dialect.ABI])}"
            )


@_row("examples", _NEWER)
def _examples(subject: _Subject) -> Iterator[Remark]:
    for service, operation in subject.operations:
        for example in operation.examples:
            if not isinstance(example.input, dict):
                yield _warns(
                    (Host.TACK,),
                    f"the example {example.name} of {service}.{operation.name} is no object",
                )
                continue
            config = {**example.input, **dict(zip(ROUTING_KEYS, (service, operation.name), strict=True))}
            result = subject.check(config, subject.host(Dialect.ABI))
            yield from _remarks_on(result, _NEWER, f"in its example {example.name}")
            for reason in _misfits(result.data, operation.output_schema or {}) if result.is_success else ():
                yield _warns(
                    _NEWER, f"the output of its example {example.name} does not fit its schema: {reason}"
                )


@_row("routing", _NEWER)
def _routing(subject: _Subject) -> Iterator[Remark]:
    bases = subject.bases
    alone = len(bases) == 1
    for config in bases if alone else ():
        bare = {key: value for key, value in config.items() if key not in ROUTING_KEYS}
        routed = subject.check(config, subject.host(Dialect.ABI))
        unrouted = subject.check(bare, subject.host(Dialect.ABI))
        if unrouted.is_error and not routed.is_error:
            yield _fails(
                (Host.APP,),
                f"its one operation wants service and operation, which profiles leave out: {_said(unrouted)}",
            )
        elif routed.is_error and not unrouted.is_error:
            yield _fails(
                (Host.TACK,),
                f"service and operation, which are always sent, are refused: {_said(routed)}",
            )
    for wrong in ({"service": "no-such"}, {"operation": "no-such"}, {"service": 5, "operation": []}):
        result = subject.check({**bases[0], **wrong}, subject.host(Dialect.ABI))
        yield from _remarks_on(result, _NEWER, f"with {_shown(wrong)}")


@_row("defaults", _ON_SDK)
def _defaults(subject: _Subject) -> Iterator[Remark]:
    properties = subject.schema.get("properties")
    defaults = {
        name: each["default"]
        for name, each in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(each, dict) and "default" in each and name not in ROUTING_KEYS
    }
    for config, (_, operation) in zip(subject.bases, subject.operations, strict=False):
        wanted = {
            key: value for key, value in defaults.items() if key in (operation.input_fields or defaults)
        }
        least = {key: value for key, value in config.items() if key not in wanted}
        asked = [_Counted(subject.host(Dialect.ABI)) for _ in range(2)]
        left_out, given = subject.check(least, asked[0]), subject.check({**wanted, **least}, asked[1])
        if (left_out.status, len(asked[0].requests)) != (given.status, len(asked[1].requests)):
            differs = f"{_said(left_out)}; with {_shown(wanted)}: {_said(given)}"
            yield _fails(
                _ON_SDK, f"defaults, which are not sent, are not applied: {_shown(least)} gives {differs}"
            )


@_row("bad configs", _NEWER)
def _errors(subject: _Subject) -> Iterator[Remark]:
    for config, is_json in _BAD_CONFIGS:
        result = subject.check(config, subject.host(Dialect.ABI))
        what = f"with the config {config[:30]!r}"
        yield from _remarks_on(result, _NEWER, what)
        if not is_json and not result.is_error:
            yield _fails(_NEWER, f"{what}, which is not JSON, it is a {result.status}")


@_row("denials", _NEWER)
def _denials(subject: _Subject) -> Iterator[Remark]:
    for config in subject.bases:
        for dialect in Dialect:
            hosts = _ON_SDK if dialect is Dialect.HOSTLIB else (Host.APP,)
            asked = _Counted(subject.host(dialect, grants=GrantSet()))
            result = subject.check(config, asked)
            yield from _remarks_on(result, hosts, "where nothing is granted")
            if asked.requests and result.is_error and result.error and result.error.type != "capability":
                yield _warns(
                    hosts,
                    f"a denial in dialect {dialect} arrives as {_said(result)}, not as type capability",
                )


@_row("broken answers", _NEWER)
def _broken_answers(subject: _Subject) -> Iterator[Remark]:
    for content in _BROKEN_ANSWERS:
        for config in subject.bases:
            result = subject.check(config, _Answers(content))
            yield from _remarks_on(result, _NEWER, f"where host calls are answered {content[:40]!r}")


@_row("random configs", _NEWER)
def _random_configs(subject: _Subject) -> Iterator[Remark]:
    chance = random.Random(_SEED)  # noqa: S311 - the same configs each time
    fields = [operation.input_fields for _, operation in subject.operations] or [()]
    with subject.loaded(subject.host(Dialect.ABI)) as module:
        for index in range(subject.configs):
            config = _example_of(subject.schema, chance, chance.choice(fields))
            if index % 2:
                config = {**chance.choice(subject.bases), **config}
                config[chance.choice([*config, "no-such"])] = chance.choice(_ODD_VALUES)
            try:
                result = module.check(config, fresh=False)
            except SandboxError as error:
                yield _fails(_NEWER, f"with {_shown(config)}: {error}")
                return
            yield from _remarks_on(result, _NEWER, f"with {_shown(config)}")


@_row("one instance", _NEWER)
def _kept_instance(subject: _Subject) -> Iterator[Remark]:
    config = subject.bases[0]
    with subject.loaded(subject.host(Dialect.ABI)) as module:
        first = module.check(config, fresh=False, release=False)
        started = time.monotonic()
        for number in range(subject.checks):
            try:
                result = module.check(config, fresh=False, release=False)
            except SandboxError as error:
                yield _fails(
                    _NEWER,
                    f"check {number + 2} of one instance, whose buffers are never given back: {error}",
                )
                return
            if (result.status, result.data is None) != (first.status, first.data is None):
                yield _fails(
                    _NEWER,
                    f"check {number + 2} of one instance is another result than the first: {_said(result)}",
                )
                return
        subject.seconds.append((time.monotonic() - started) / max(subject.checks, 1))


@_row("repetition", _NEWER)
def _repeated(subject: _Subject) -> Iterator[Remark]:
    for config in subject.bases:
        requests = []
        for _ in range(2):
            asked = _Counted(subject.host(Dialect.ABI))
            subject.check(config, asked)
            requests.append([name for name, _request in asked.requests])
        if requests[0] != requests[1]:
            yield _warns(_NEWER, f"{_shown(config)} makes other host calls the second time")


@_row("limits", _NEWER)
def _at_the_limits(subject: _Subject) -> Iterator[Remark]:
    body = b"x" * MAX_BODY_BYTES
    for config in subject.bases:
        result = subject.check(config, subject.host(Dialect.ABI, body=body))
        yield from _remarks_on(result, _NEWER, f"where bodies and outputs have {MAX_BODY_BYTES} bytes")
        size = len(json.dumps(result.data))
        if size > _EVIDENCE_BYTES:
            yield _warns((Host.APP,), f"a result of {size} bytes is cut to {_EVIDENCE_BYTES}")
    padded = {**subject.bases[0], "padding": "x" * (_EVIDENCE_BYTES - 4096)}
    yield from _remarks_on(subject.check(padded, subject.host(Dialect.ABI)), _NEWER, "with a config of 1 MB")


@_row("older form", (Host.OLDER_APP,))
def _older_form(subject: _Subject) -> Iterator[Remark]:
    older = (Host.OLDER_APP,)
    if _lacks_older_form(subject.binary):
        yield Remark(
            older, Outcome.NOT_FOR_IT, "it lacks describe, schema or observe, which the older app calls"
        )
        return
    with subject.loaded(subject.host(Dialect.ABI)) as module:
        answers = [("describe", None), ("schema", None), ("observe", json.dumps(subject.bases[0]).encode())]
        for name, config in answers:
            wanted = {
                "describe": {"name", "version", "capabilities"},
                "schema": set[str](),
                "observe": {"status", "timestamp"},
            }[name]
            try:
                content = json.loads(module.answer(name, config))
            except ValueError as error:
                yield _fails(older, f"{name} answers what is not JSON: {error}")
                continue
            keys = {key.lower() for key in content} if isinstance(content, dict) else set()
            if not isinstance(content, dict) or not wanted <= keys:
                yield _fails(older, f"{name} answers no object with {', '.join(sorted(wanted))}")
            elif name == "observe" and not any(
                type(value) is bool for key, value in content.items() if key.lower() == "status"
            ):
                yield _fails(older, "observe answers a status that is no boolean")


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
_STRINGS: Mapping[str, tuple[str, ...]] = {
    "": ("example.com", "/etc/hosts", "a", "https://example.com/"),
    "uri": ("https://example.com/",),
    "date-time": ("2026-01-02T03:04:05Z",),
}


def _remarks_on(result: Result, hosts: tuple[Host, ...], when: str) -> Iterator[Remark]:
    """Yield what is wrong with a Result whatever was asked."""
    error = result.error
    if error is not None and error.type == "panic":
        yield _fails(hosts, f"it has a bug {when}: {_said(result)}")
    if result.is_error and (error is None or not (error.message or result.message)):
        yield _warns(hosts, f"an error without a message {when}")
    if error is not None and not result.is_error:
        yield _warns((Host.APP,), f"a {result.status} with an error {when}: expectations are skipped")


def _fails(hosts: tuple[Host, ...], message: str) -> Remark:
    return Remark(hosts, Outcome.FAILS, message)


def _warns(hosts: tuple[Host, ...], message: str) -> Remark:
    return Remark(hosts, Outcome.WARNING, message)


def _why_invalid(schema: Mapping[str, Any]) -> str:
    """Return why something is no JSON Schema; an empty string for one."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]  # it has no types

    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        return f"{getattr(error, 'message', error)}"
    return ""


def _misfits(data: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield why data does not fit a schema; what it refers to elsewhere is not fetched."""
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if _why_invalid(schema):
        return
    try:
        for error in Draft202012Validator(schema, registry=Registry()).iter_errors(data):
            yield error.message
    except (Unresolvable, RecursionError) as error:
        yield str(error)


def _said(result: Result) -> str:
    if result.error is None:
        return f"a {result.status}"
    return f"{result.error.type} {result.error.message!r:.200}"


def _shown(config: Mapping[str, Any]) -> str:
    return f"{json.dumps(config):.120}"


def _example_of(
    schema: Mapping[str, Any], chance: random.Random, fields: Iterable[str] = ()
) -> dict[str, Any]:
    """Return an object that fits a schema, of its required properties and some of the others."""
    properties, required, wanted = schema.get("properties"), schema.get("required") or (), set(fields)
    return {
        name: _value_of(each, chance)
        for name, each in (properties.items() if isinstance(properties, dict) else ())
        if name not in ROUTING_KEYS
        and (not wanted or name in wanted)
        and (name in required or chance.choice((True, False)))
    }


def _value_of(schema: Any, chance: random.Random, depth: int = 0) -> Any:
    """Return a value of a schema's type, within its bounds; patterns are left to chance."""
    if not isinstance(schema, dict) or depth > _MOST_NESTED:
        return None
    known = [*(schema.get("enum") or ()), *(schema.get("examples") or ())]
    if "default" in schema:
        known.append(schema["default"])
    kind = schema.get("type")
    kind = chance.choice(kind) if isinstance(kind, list) and kind else kind
    if known and ("enum" in schema or chance.choice((True, False))):
        return chance.choice(known)
    low = int(max(-_MOST_CHOSEN, schema.get("minimum", 0)))
    high = max(low, int(min(_MOST_CHOSEN, schema.get("maximum", 1000))))

    def inner(each: Any) -> Any:
        return _value_of(each, chance, depth + 1)

    make: dict[str, Callable[[], Any]] = {
        "string": lambda: chance.choice(_STRINGS.get(str(schema.get("format")), _STRINGS[""])),
        "integer": lambda: chance.randint(low, high),
        "number": lambda: chance.uniform(low, high),
        "boolean": lambda: chance.choice((True, False)),
        "array": lambda: [inner(schema.get("items")) for _ in range(chance.randint(0, 3))],
        "object": lambda: {name: inner(each) for name, each in (schema.get("properties") or {}).items()},
    }
    return make.get(str(kind), lambda: None)()
