"""The hosts that plugins meet and what they remark on; a plugin in the form that a host calls."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from attrs import define, evolve, field, frozen

from reglet.application.names import ROUTING
from reglet.domain.entities.grants import EnvironmentCapability, GrantSet
from reglet.domain.entities.manifest import Manifest, OperationManifest
from reglet.domain.entities.records import (
    CommandResult,
    HTTPResponse,
    MXRecord,
    ObservedConnection,
    SMTPConnectResult,
)
from reglet.domain.entities.result import Result
from reglet.domain.policy import Policy
from reglet.domain.ports import LOG_FUNCTION, HostFunctions
from reglet.infrastructure.host.dispatcher import HostDispatcher, HostPorts, Observer
from reglet.sandbox import Dialect, Limits, Module, Sandbox
from reglet.testing.runners import EVERYTHING

SEED = 1
"""Of every random choice, so that two runs ask the same."""
LIMITS = Limits(compile_time=timedelta(minutes=10))
"""Of the guests; how long it takes here to compile a module is none of the hosts' business."""
_MOST_NESTED = 4
_MOST_CHOSEN = 2**53


class Host(StrEnum):
    """The hosts that plugins meet."""

    SDK = "Go host SDK"
    APP = "Reglet app"
    OLDER_APP = "older app"
    TACK = "tack"

    @property
    def dialect(self) -> Dialect:
        """What it speaks; tack is made with the Go host SDK."""
        return _DIALECTS[self]


_DIALECTS = {
    Host.SDK: Dialect.HOSTLIB,
    Host.APP: Dialect.APP,
    Host.OLDER_APP: Dialect.OLDER,
    Host.TACK: Dialect.HOSTLIB,
}


ON_SDK = (Host.SDK, Host.TACK)
NEWER = (Host.SDK, Host.APP, Host.TACK)
"""Those that call `_manifest` and `_observe`."""
OLDER = (Host.OLDER_APP,)
EVERY = tuple(Host)


class Outcome(StrEnum):
    """What a host would do; a row shows the worst."""

    WORKS = "works"
    WARNING = "warning"
    FAILS = "fails"
    NOT_FOR_IT = "-"


@frozen
class Remark:
    """One thing that hosts would not take well."""

    hosts: tuple[Host, ...]
    outcome: Outcome
    message: str


def fails(hosts: tuple[Host, ...], message: str) -> Remark:
    """Return the remark that a plugin fails on some hosts."""
    return Remark(hosts, Outcome.FAILS, message)


def warns(hosts: tuple[Host, ...], message: str) -> Remark:
    """Return the remark that a plugin works on some hosts, and not as its author meant."""
    return Remark(hosts, Outcome.WARNING, message)


@frozen
class Figures:
    """What was measured on this machine; 0 where there was no need.

    Attributes:
        first_seconds: until the first answer, which is the manifest.
        further_seconds: one of many checks of a kept instance.
        first_memory: bytes of memory of that instance after its first check.
        last_memory: the same after its last one.
    """

    first_seconds: float = 0.0
    further_seconds: float = 0.0
    first_memory: int = 0
    last_memory: int = 0


class _WorkingHost:
    """Ports of a host where everything is there and answers at once."""

    def __init__(self, body: bytes) -> None:
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
class ConstantHost:
    """A host that answers every call with the same bytes."""

    content: bytes

    def call(self, name: str, request: bytes) -> bytes:
        """Answer a host call."""
        del name, request
        return self.content


@frozen
class CountedCalls:
    """Passes host calls on and counts them: without any, a plugin's answer owes nothing to its host."""

    functions: HostFunctions
    requests: list[tuple[str, bytes]] = field(factory=list)

    def call(self, name: str, request: bytes) -> bytes:
        """Answer a host call."""
        if name != LOG_FUNCTION:
            self.requests.append((name, request))
        return self.functions.call(name, request)


@define(slots=False)
class PluginForm:
    """The plugin that is probed, in one of its forms.

    Attributes:
        binary: the `.wasm` file.
        manifest: what it says of itself in this form.
        hosts: those that call it in this form.
        described: its manifest in today's form, if it has that: of operations and examples.
        checks, configs: how many of each are asked.
        figures: what was measured.
    """

    binary: bytes = field(repr=False)
    manifest: Manifest
    hosts: tuple[Host, ...]
    described: Manifest
    checks: int
    configs: int
    figures: Figures = field(factory=Figures)

    @property
    def dialect(self) -> Dialect:
        """What is spoken where it makes no difference."""
        return Dialect.OLDER if self.hosts == OLDER else Dialect.ABI

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The config schema, empty where it is none."""
        schema = self.manifest.config_schema or {}
        return {} if why_invalid(schema) else schema

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties of the config schema, but those that route."""
        properties = self.schema.get("properties")
        return {
            name: each
            for name, each in (properties.items() if isinstance(properties, dict) else ())
            if name not in ROUTING
        }

    @property
    def operations(self) -> Iterator[tuple[str, OperationManifest]]:
        """Every operation with the name of its service."""
        for service in self.described.services.values():
            for operation in service.operations:
                yield service.name, operation

    @cached_property
    def bases(self) -> list[dict[str, Any]]:
        """Configs that a host may send: the first example of each operation, or the least that fits."""
        found = []
        for service, operation in self.operations:
            inputs = [each.input for each in operation.examples if not each.expected_error]
            chosen = next((each for each in inputs if isinstance(each, dict)), None)
            least = self.random_config(random.Random(SEED), operation.input_fields)  # noqa: S311 - no secret
            routed = {"service": service, "operation": operation.name}
            found.append({**(least if chosen is None else chosen), **routed})
        return found or [self.random_config(random.Random(SEED))]  # noqa: S311 - no secret

    def random_config(self, chance: random.Random, fields: Iterable[str] = ()) -> dict[str, Any]:
        """Return a config that fits the schema, of its required properties and some of the others."""
        required, wanted = self.schema.get("required") or (), set(fields)
        return {
            name: _value_of(each, chance)
            for name, each in self.properties.items()
            if (not wanted or name in wanted) and (name in required or chance.choice((True, False)))
        }

    def host(
        self,
        dialect: Dialect | None = None,
        *,
        grants: GrantSet | None = None,
        body: bytes = b"ok\n",
        observer: Observer | None = None,
    ) -> HostDispatcher:
        """Return a host where everything works, or where only `grants` are granted."""
        working: Any = _WorkingHost(body)
        granted = EVERYTHING.merge(self.manifest.capabilities) if grants is None else grants
        ports = HostPorts(working, working, working, working, working)
        return HostDispatcher(ports, Policy(granted), dialect=dialect or self.dialect, observer=observer)

    @contextmanager
    def loaded(self, functions: HostFunctions | None = None) -> Iterator[Module]:
        """Yield the module, on a host that gives it no files and a value for each variable that it names."""
        variables = self.manifest.capabilities.env or EnvironmentCapability()
        with Sandbox(
            GrantSet(env=variables),
            LIMITS,
            functions=functions or self.host(),
            environment=dict.fromkeys(variables.vars, "AKIAEXAMPLE"),
            dialect=self.dialect,
        ) as sandbox:
            yield sandbox.load(self.binary)

    def check(self, config: bytes | Mapping[str, Any], functions: HostFunctions | None = None) -> Result:
        """Run one check in a guest of its own, on a host where everything works if no other is given."""
        with self.loaded(functions) as module:
            return module.check(config)


def why_invalid(schema: Mapping[str, Any]) -> str:
    """Return why something is no JSON Schema; an empty string for one."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]  # it has no types

    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        return f"{getattr(error, 'message', error)}"
    return ""


def misfits(data: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return why data does not fit a schema; what it refers to elsewhere is not fetched."""
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if why_invalid(schema):
        return []
    try:
        errors = Draft202012Validator(schema, registry=Registry()).iter_errors(data)
        return [f"{error.json_path}: {error.message:.200}" for error in errors]
    except (Unresolvable, RecursionError) as error:
        return [str(error)]


_STRINGS: Mapping[str, tuple[str, ...]] = {
    "": ("example.com", "/etc/hosts", "a", "https://example.com/"),
    "uri": ("https://example.com/",),
    "date-time": ("2026-01-02T03:04:05Z",),
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
