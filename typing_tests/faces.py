"""The rest of `reglet.config`, `reglet.errors`, `reglet.log` and `reglet.answers`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, assert_type

import reglet
from reglet import __version__, answers, config, errors, log

version: str = __version__
assert_type(reglet.errors.ConfigError("a"), errors.ConfigError)
reglet.errors.NoSuchError  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

values: Mapping[str, Any] = {}
assert_type(config.get_int(values, "a"), int | None)
assert_type(config.get_float(values, "a"), float | None)
assert_type(config.get_bool(values, "a"), bool | None)
assert_type(config.must_get_string(values, "a"), str)
assert_type(config.must_get_float(values, "a"), float)
assert_type(config.must_get_bool(values, "a"), bool)
assert_type(config.must_get_string_slice(values, "a"), list[str])
assert_type(config.get_int_default(values, "a", 1), int)
assert_type(config.get_bool_default(values, "a", True), bool)
assert_type(config.get_string_slice_default(values, "a", []), list[str])
assert_type(config.require_string(values, "a"), str)
assert_type(config.optional_string(values, "a", "b"), str)
assert_type(config.optional_int(values, "a", 1), int)
config.must_get_int(values)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
config.get_int_default(values, "a", "1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

every: list[errors.RegletError] = [
    errors.NetworkError("connect", "a.test:80", OSError("down")),
    errors.TimeoutError("connect", timedelta(seconds=5), "a.test:80"),
    errors.CapabilityError("network:a.test:80", "a.test", "grant it"),
    errors.ConfigError("url", "is empty"),
    errors.ConfigProblemsError(["x @ $.url"]),
    errors.ExecError("id", exit_code=1, stderr="no"),
    errors.DNSError("a.test", "A", "nxdomain", not_found=True),
    errors.HTTPError("GET", "u", "down", 500),
    errors.TCPError("a.test:1", "down"),
    errors.SchemaError("Config", "x"),
    errors.MemoryLimitError(1, 2, 3),
    errors.WireFormatError("decode", "Result", "x"),
    errors.HostError(errors.error_detail(ValueError("x"))),
    errors.UnsupportedOptionError("max_redirects", 3, "the host cannot be told"),
    errors.MissingClientError("HTTPClient", ["str"]),
    errors.CancelledError("get"),
    errors.DefinitionError("x"),
]
errors.NetworkError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
errors.TimeoutError("connect", 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
errors.DNSError("a.test", "A", None, "", True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
errors.HostError("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
every.append(errors.CheckFailed("an outcome is no error"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
also_builtin: TimeoutError = errors.TimeoutError("connect")


class Sink:
    def write(self, message: log.LogMessage) -> None: ...


sink: log.LogSink = Sink()
assert_type(log.LogAttribute("k", "int64", "1"), log.LogAttribute)
assert_type(log.LogRedirect(sink, level=10, streams=False, permanent=True).installed, bool)
assert_type(log.LogSinkHandler(sink), log.LogSinkHandler)
log.LogAttribute("k", "integer", "1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
log.LogSinkHandler()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

facts = answers.TLSFacts("TLS 1.3")
given: list[answers.Answer] = [
    answers.tcp("h:1", tls=facts),
    answers.dns("h", "MX", mx_records=[answers.MXRecord("m", 1)]),
]
