"""What a plugin's tests import: fakes, table tests, examples as tests, record and replay, audit, fuzzing.

The names are loaded when they are first used, so that pytest starts quickly in every project.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reglet.testing.assertions import (
        assert_data_field,
        assert_error,
        assert_failure,
        assert_matches_schema,
        assert_success,
    )
    from reglet.testing.audit import AuditReport, audit_plugin
    from reglet.testing.fake_host import FakeHost
    from reglet.testing.fakes import (
        FakeCommandRunner,
        FakeDNSResolver,
        FakeHTTPClient,
        FakeSMTPClient,
        FakeTCPDialer,
    )
    from reglet.testing.plugintest import (
        ExampleCase,
        ExampleFailed,
        TestCase,
        examples_of,
        generate_example_tests,
        run_example,
        run_plugin_tests,
    )
    from reglet.testing.recording import Recorder, Recording, Replay, ReplayMismatchError
    from reglet.testing.routes import (
        FakeClock,
        UnexpectedCallError,
        bad_certificate,
        denied,
        not_found,
        refused,
        reset,
        timeout,
    )
    from reglet.testing.strategies import assert_never_traps

_HOMES = {
    name: module
    for module, names in {
        "reglet.testing.assertions": (
            "assert_data_field",
            "assert_error",
            "assert_failure",
            "assert_matches_schema",
            "assert_success",
        ),
        "reglet.testing.audit": ("AuditReport", "audit_plugin"),
        "reglet.testing.fake_host": ("FakeHost",),
        "reglet.testing.fakes": (
            "FakeCommandRunner",
            "FakeDNSResolver",
            "FakeHTTPClient",
            "FakeSMTPClient",
            "FakeTCPDialer",
        ),
        "reglet.testing.plugintest": (
            "ExampleCase",
            "ExampleFailed",
            "TestCase",
            "examples_of",
            "generate_example_tests",
            "run_example",
            "run_plugin_tests",
        ),
        "reglet.testing.recording": ("Recorder", "Recording", "Replay", "ReplayMismatchError"),
        "reglet.testing.routes": (
            "FakeClock",
            "UnexpectedCallError",
            "bad_certificate",
            "denied",
            "not_found",
            "refused",
            "reset",
            "timeout",
        ),
        "reglet.testing.strategies": ("assert_never_traps",),
    }.items()
    for name in names
}

__all__ = [
    "AuditReport",
    "ExampleCase",
    "ExampleFailed",
    "FakeClock",
    "FakeCommandRunner",
    "FakeDNSResolver",
    "FakeHTTPClient",
    "FakeHost",
    "FakeSMTPClient",
    "FakeTCPDialer",
    "Recorder",
    "Recording",
    "Replay",
    "ReplayMismatchError",
    "TestCase",
    "UnexpectedCallError",
    "assert_data_field",
    "assert_error",
    "assert_failure",
    "assert_matches_schema",
    "assert_never_traps",
    "assert_success",
    "audit_plugin",
    "bad_certificate",
    "denied",
    "examples_of",
    "generate_example_tests",
    "not_found",
    "refused",
    "reset",
    "run_example",
    "run_plugin_tests",
    "timeout",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
