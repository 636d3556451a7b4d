"""The seven plugins on every host: what was not looked at is an error, whatever words a host has for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from reglet import Context, Plugin, Result
from reglet.infrastructure.build.project import load_plugin_in_process
from reglet.infrastructure.guest.clients import host_clients
from tests.examples.test_projects import EXAMPLES
from tests.guest.hosts import HostlibHost, ScriptedHost

Answer = dict[str, Any] | bytes

CONFIGS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "aws ec2": ("aws", {"service": "ec2", "operation": "describe_security_groups", "region": "eu-west-1"}),
    "aws iam": ("aws", {"service": "iam", "operation": "get_account_password_policy"}),
    "command": ("command", {"command": "/bin/true"}),
    "command run": ("command", {"run": "true", "expected_exit": 1}),
    "dns": ("dns", {"hostname": "h.example.com"}),
    "dns MX": ("dns", {"hostname": "h.example.com", "record_type": "MX", "nameserver": "10.0.0.1"}),
    "http": ("http", {"url": "http://h.example.com/"}),
    "http HEAD": ("http", {"url": "https://h.example.com:8443/", "method": "HEAD", "headers": {"X": "y"}}),
    "http expecting": ("http", {"url": "http://h.example.com/", "expected_status": 200}),
    "smtp": ("smtp", {"host": "h.example.com"}),
    "smtp starttls": ("smtp", {"host": "10.0.0.1", "port": 587, "use_starttls": True}),
    "tcp": ("tcp", {"host": "h.example.com", "port": 22}),
    "tcp tls": (
        "tcp",
        {"host": "127.0.0.1", "port": 443, "tls": True, "expected_tls_version": "TLS 1.3"},
    ),
}
"""A call of each kind, by plugin; a host's answer decides what comes of it."""


def bare(kind: str, message: str, code: int) -> dict[str, Any]:
    """Return what the host SDK answers in place of a response."""
    return {"error": kind, "message": message, "code": code}


DENIALS: Mapping[str, Answer] = {
    "abi, no grant": {"error": {"type": "capability", "code": "x", "message": "missing capability: x"}},
    "abi, nothing granted": {
        "error": {"type": "internal", "code": "", "message": "no capabilities granted to plugin p"}
    },
    "abi, a guard": {
        "error": {
            "type": "internal",
            "message": "SSRF protection: destination IP 10.0.0.1 is private/reserved "
            "(requires network:outbound:private capability)",
        }
    },
    "abi, a guard at a redirect": {
        "error": {
            "type": "network",
            "message": 'Get "http://h/": SSRF protection blocked connection to 10.0.0.1:80: '
            "private addresses blocked (RFC 1918)",
        }
    },
    "hostlib, no grant": bare("VALIDATION_ERROR", "network capability denied: h.example.com:80", 400),
    "hostlib, nothing granted": bare("VALIDATION_ERROR", "no capabilities granted: p", 400),
    "hostlib, a guard": {
        "error": {"code": "SSRF_BLOCKED", "message": "localhost/loopback addresses blocked"}
    },
    "hostlib, a guard, failing to connect": {
        "error": {"code": "CONNECTION_FAILED", "message": "dial tcp: link-local addresses blocked"}
    },
    "third, a guard": {"error": {"type": "SSRF_BLOCKED", "message": "private addresses blocked (RFC 1918)"}},
    "third, no grant": {
        "error": {"type": "CAPABILITY_DENIED", "message": "network capability denied: h.example.com:80"}
    },
    "third, nothing granted": {
        "error": {"type": "VALIDATION_ERROR", "message": "no capabilities granted: p"}
    },
    "in another case": {"error": {"type": "Capability", "message": "no"}},
    "a code that says so": {"error": {"code": "permission_denied", "message": "no"}},
    "hostlib, a list of the host's own": {"error": {"code": "SSRF_BLOCKED", "message": "port is blocked"}},
    "a guard inside another error": {
        "error": {
            "type": "execution",
            "message": "failed",
            "wrapped": {
                "type": "network",
                "message": "m",
                "wrapped": {"code": "SSRF_BLOCKED", "message": "m"},
            },
        }
    },
}

FAULTS: Mapping[str, Answer] = {
    "abi, a config": {"error": {"type": "config", "code": "url", "message": "unsupported scheme"}},
    "abi, a request": {"error": {"type": "validation", "code": "", "message": "invalid request"}},
    "hostlib, a request": {"error": {"code": "INVALID_REQUEST", "message": "invalid URL"}},
    "hostlib, a request too large": bare("VALIDATION_ERROR", "request exceeds maximum size", 400),
    "hostlib, no such function": bare("NOT_FOUND", "no such function", 404),
    "hostlib, a panic": bare("INTERNAL_ERROR", "internal error", 500),
    "third, a request": {"error": {"type": "INVALID_REQUEST", "message": "invalid URL"}},
    "older, a request": {
        "error": {"type": "internal", "message": "hostfuncs: failed to unmarshal TCP request: EOF"}
    },
    "older, a method": {
        "error": {
            "type": "internal",
            "message": 'failed to create HTTP request: net/http: invalid method "G T"',
        }
    },
    "older, a scheme": {
        "error": {"type": "internal", "message": 'Get "ftp://h/": unsupported protocol scheme "ftp"'}
    },
    "hostlib, no host": {
        "error": {"code": "REQUEST_FAILED", "message": 'Get "http:///": http: no Host in request URL'}
    },
    "hostlib, a guard that cannot read it": {
        "error": {"code": "SSRF_BLOCKED", "message": "invalid address format: too many colons in address"}
    },
    "no place for a connection": {
        "error": {"type": "internal", "message": "dial tcp 192.0.2.1:80: socket: too many open files"}
    },
    "canceled by the host": {"error": {"type": "internal", "message": 'Get "http://h/": context canceled'}},
    "an unknown type": {"error": {"type": "ratelimit", "message": "slow down"}},
    "an unknown code": {"error": {"code": "RATE_LIMITED", "message": "slow down"}},
    "an unknown code in place of the type": {"error": {"type": "RATE_LIMITED", "message": "slow down"}},
    "a number": {"error": {"code": 504, "message": "m"}},
    "nothing but a message": {"error": {"message": "m"}},
    "nothing at all": {"error": {}},
    "an empty string": {"error": ""},
    "a string": {"error": "boom"},
    "a message in place of an error": {"message": "not allowed", "code": 403},
    "names of nobody": {"foo": 1},
    "null": b"null",
    "a host's fault inside another error": {
        "error": {"type": "network", "message": "m", "wrapped": {"code": "INTERNAL_ERROR", "message": "m"}}
    },
    "no answer": b"",
    "no JSON": b"\xff",
    "another record": [],  # type: ignore[dict-item]  # what no host may answer
}
"""What hosts answer to what they cannot take, and when they fail themselves."""

FAILURES: Mapping[str, dict[str, Any]] = {
    "abi, refused": {"error": {"type": "network", "code": "connect", "message": "connection refused"}},
    "abi, late": {"error": {"type": "timeout", "code": "", "message": "late", "is_timeout": True}},
    "abi, in Go's words": {
        "error": {"type": "internal", "message": "dial tcp 192.0.2.1:80: connect: connection refused"}
    },
    "older, on Windows": {
        "error": {
            "type": "internal",
            "message": "dial tcp 192.0.2.1:80: connectex: No connection could be made because the target machine "
            "actively refused it.",
        }
    },
    "older, no route": {
        "error": {"type": "internal", "message": "connection failed: dial tcp: connect: no route to host"}
    },
    "older, TLS": {
        "error": {
            "type": "internal",
            "message": 'Get "https://h/": tls: failed to verify certificate: x509: certificate has expired',
        }
    },
    "older, a greeting": {
        "error": {"type": "internal", "message": "failed to read SMTP banner: 554 no SMTP service here"}
    },
    "older, words of the target": {
        "error": {"type": "internal", "message": "STARTTLS failed: 554 exec capability denied: /bin/sh"}
    },
    "older, a guard without addresses": {
        "error": {"type": "ssrf_protection", "message": "SSRF protection: no IP addresses found for host h"}
    },
    "hostlib, refused": {"error": {"code": "CONNECTION_REFUSED", "message": "refused"}},
    "hostlib, late": {"error": {"code": "TIMEOUT", "message": "late"}},
    "third, refused": {"error": {"type": "CONNECTION_REFUSED", "message": "refused"}},
    "third, late": {"error": {"type": "TIMEOUT", "message": "late"}},
    "third, no such host": {"error": {"type": "HOST_NOT_FOUND", "message": "no such host"}},
}
"""What hosts answer when a target was asked, and there is none."""


@cache
def plugin(name: str) -> Plugin:
    """Return the plugin of an example."""
    return load_plugin_in_process(EXAMPLES / name)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def checked(call: str, answer: Answer, *, hostlib: bool = False) -> Result:
    """Return the Result of a call on a host that answers so; one of hostlib cannot read the other dialect."""
    name, config = CONFIGS[call]
    content: Any = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    host = HostlibHost(answer) if hostlib and isinstance(answer, dict) else ScriptedHost(content)
    return plugin(name).check(Context(clients=host_clients(host)), json.dumps(config).encode())


@pytest.mark.unmeasured
@pytest.mark.parametrize("denial", DENIALS)
@pytest.mark.parametrize("call", CONFIGS)
def test_a_denial_is_an_error_of_type_capability(call: str, denial: str) -> None:
    """On every host and port: neither data that a profile reads, nor a failed check."""
    result = checked(call, DENIALS[denial], hostlib=denial.startswith("hostlib"))
    assert result.data is None or result.is_error
    assert result.error is not None
    assert result.error.type == "capability"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CONFIGS)
def test_a_host_at_fault_is_an_error(call: str, fault: str) -> None:
    """It could not take the request, or failed itself: nothing is known of the target."""
    result = checked(call, FAULTS[fault], hostlib=fault.startswith("hostlib"))
    assert result.is_error, result.data
    assert result.error is not None
    assert result.error.type != "panic"


@pytest.mark.parametrize("answer", [{}, {"error": None}, {"status_code": 0}, {"connected": None}])
@pytest.mark.parametrize("call", [call for call in CONFIGS if not call.startswith("dns")])
def test_an_answer_that_does_not_say_how_it_went_is_an_error(call: str, answer: Answer) -> None:
    """A program that did not run would have exit code 0; only a look-up may find nothing."""
    assert checked(call, answer).is_error


@pytest.mark.parametrize(
    ("name", "config", "answer"),
    [
        ("http", {"url": "http://h/", "follow_redirects": False}, {"status_code": 302}),
        ("http", {"url": "https://h/", "insecure_skip_verify": True}, {"status_code": 200}),
        ("tcp", {"host": "h", "port": 443, "tls": True}, {"connected": True, "tls": True}),
        ("smtp", {"host": "h", "port": 465, "use_tls": True}, {"connected": True, "tls": True}),
    ],
)
def test_an_option_that_the_host_did_not_apply_is_an_error(
    name: str, config: dict[str, Any], answer: dict[str, Any]
) -> None:
    """Although it answered."""
    if name != "http":
        config = {**config, "insecure_skip_verify": True}
    host = ScriptedHost(answer)
    result = plugin(name).check(Context(clients=host_clients(host)), json.dumps(config).encode())
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("config", "unsupported_option")


@pytest.mark.unmeasured
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("call", ["http", "http HEAD", "smtp", "smtp starttls", "tcp", "tcp tls"])
def test_a_target_that_does_not_answer_is_data(call: str, failure: str) -> None:
    """So that a profile's expression is false of it, and no error."""
    result = checked(call, FAILURES[failure])
    assert result.is_success, result.error
    assert result.data is not None
    assert not result.data.get("connected")
    assert not result.data.get("status_code")
    assert fits(call, result)


RESPONSES: Mapping[str, tuple[str, Answer]] = {
    "http on the older app": ("http", {"status_code": 200, "headers": {"A": ["b"]}, "body": "eA=="}),
    "http on the host SDK": ("http", {"status_code": 200, "latency_ms": 3}),
    "tcp without facts": ("tcp", {"connected": True}),
    "tcp with an expired certificate": (
        "tcp",
        {
            "connected": True,
            "tls": True,
            "tls_version": "TLS 1.3",
            "tls_cert_not_after": "2020-01-01T00:00:00Z",
        },
    ),
    "smtp without extensions": ("smtp", {"connected": True, "banner": "220 h"}),
    "command": ("command", {"stdout": "x", "stderr": "", "exit_code": 0}),
    "dns without records": ("dns MX", {}),
    "dns": ("dns", {"records": ["192.0.2.1"]}),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_what_a_host_answers_gives_data_that_fits_the_schema(name: str) -> None:
    """Null where it may be null, whatever a host leaves out."""
    call, answer = RESPONSES[name]
    result = checked(call, answer)
    assert result.is_success, result.error
    assert fits(call, result)


def test_a_protocol_that_a_host_leaves_out_is_http_1_1() -> None:
    """As the Go plugins write it."""
    data = checked("http", {"status_code": 200}).data
    assert data is not None
    assert data["protocol"] == "HTTP/1.1"


def fits(call: str, result: Result) -> bool:
    """Whether a Result's data is what the plugin's manifest announces, all of it."""
    name, config = CONFIGS[call]
    services = plugin(name).manifest(Context()).services
    operations = {
        (service.name, each.name): each for service in services.values() for each in service.operations
    }
    only = next(iter(operations))
    schema = operations[config.get("service", only[0]), config.get("operation", only[1])].output_schema
    assert schema is not None
    Draft202012Validator(schema).validate(json.loads(json.dumps(result.data)))
    return set(schema["properties"]) == set(result.data or {})
