"""From config bytes to Results."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reglet
from reglet import Context, HTTPClient, HTTPResponse, Result, ResultStatus
from reglet.application.logging import running_check
from reglet.domain.entities.result import ERROR_TYPES
from tests.application.plugins import CheckInput, several, single


def _check(url: str) -> Result:
    return single.check(Context(), json.dumps({"url": url}).encode())


def test_an_output_becomes_the_data_of_a_success():
    """The message is ok, as the Go SDK words it."""
    assert _check("u") == Result(ResultStatus.SUCCESS, "ok", {"status_code": 200, "url": "u"})


def test_white_space_around_a_config_means_nothing():
    """As JSON has it."""
    config = b' \n{"url": "nothing"}\t\r\n'
    assert single.check(Context(), config) == Result(ResultStatus.SUCCESS, "ok")


def test_no_output_is_a_success_without_data():
    """There is nothing to tell."""
    assert _check("nothing") == Result(ResultStatus.SUCCESS, "ok")


def test_a_result_is_passed_on_as_it_is():
    """The handler knows best."""
    assert _check("own result") == Result(ResultStatus.FAILURE, "mine", {"a": 1})


def test_models_in_the_data_of_a_result_become_json():
    """Wherever they lie; enum members too."""
    assert _check("own result with models").data == {
        "all": [{"status_code": 1, "url": "x"}],
        "kind": "one",
        "n": None,
    }


def test_an_output_that_is_more_than_promised_tells_what_was_promised():
    """Its schema has no more."""
    assert _check("more than promised").data == {"status_code": 1, "url": "x"}


def test_check_failed_is_a_failure_with_its_data():
    """Data may be a model too."""
    assert _check("failed") == Result(ResultStatus.FAILURE, "not so", {"b": 2})
    assert _check("failed with a model").data == {"status_code": 1, "url": "x"}


def test_an_error_of_ours_keeps_its_structure():
    """The Go SDK flattens it to its text."""
    result = _check("broken")
    assert result.error is not None
    assert (result.status, result.error.type, result.error.code) == (ResultStatus.ERROR, "network", "connect")
    assert result.message == "network connect failed for a.test:80: down"


def test_a_bug_is_a_panic_with_the_authors_traceback():
    """Frames of ours are left out, so the author's come first."""
    error = _check("bug").error
    assert error is not None
    assert (error.type, error.message) == ("panic", "ZeroDivisionError: integer division or modulo by zero")
    lines = error.stack.decode().splitlines()
    assert lines[1].strip().startswith(f'File "{__file__.replace("test_dispatch", "plugins")}"')
    assert 'return CheckOutput(1 // 0, "x")' in map(str.strip, lines)
    assert "reglet/application" not in error.stack.decode()


def test_leaving_the_program_is_a_bug_too():
    """A host's process is not the plugin's to end."""
    error = _check("exit").error
    assert error is not None
    assert (error.type, error.message) == ("panic", "SystemExit: 3")


def test_ctrl_c_is_passed_on():
    """The person at the keyboard wants out."""
    with pytest.raises(KeyboardInterrupt):
        _check("interrupt")


def test_an_answer_of_another_type_is_a_bug():
    """The message says what was promised."""
    error = _check("wrong type").error
    assert error is not None
    assert (error.type, error.message) == (
        "panic",
        "operation http.check must return CheckOutput or a reglet.Result, not str",
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"", "is required: a string @ $.url"),
        (b"{}", "is required: a string @ $.url"),
        (b"xyz", "the config is not JSON: Expecting value: line 1 column 1 (char 0) @ $"),
        (b'{"url":', "the config is not JSON: Expecting value: line 1 column 8 (char 7) @ $"),
        (b"{} {}", "the config is not JSON: Extra data: line 1 column 4 (char 3) @ $"),
        (b"[1]", "the config must be an object, not a list @ $"),
        (b"null", "the config must be an object, not null @ $"),
        (b'{"url": "u", "n": NaN}', "the config is not JSON: NaN is not a JSON value @ $"),
        (b'{"url": "\xff"}', "the config is not UTF-8: byte 0xff at offset 9 @ $"),
        (b"[" * 100_000, "the config is nested too deeply @ $"),
        (b'{"a":' * 100_000, "the config is nested too deeply @ $"),
        (b'{"url": ' + b"1" * 5000 + b"}", "a number of the config has more than 4300 digits @ $"),
        (b'{"url": 5}', "must be a string, not 5 @ $.url"),
    ],
)
def test_a_config_that_does_not_fit_calls_nothing(config, message):
    """The Result is an error of type config, which carries the problems as a list too."""
    result = single.check(Context(), config)
    assert result.error is not None
    assert (result.status, result.error.type, result.message) == (ResultStatus.ERROR, "config", message)
    assert result.error.details == {"problems": [message]}


@reglet.model
class Share:
    part: float


def test_a_number_beyond_a_double_is_refused_where_a_field_takes_it():
    """A key that nobody knows may hold one, as in Go."""
    plugin = reglet.define_plugin(name="p", description="d")

    @plugin.service("s")
    class Service:
        @reglet.operation()
        def take(self, request: Share) -> Result:
            return reglet.result_success("taken")

    refused = plugin.check(Context(), b'{"part": 1e400}')
    assert (refused.error and refused.error.type) == "config"
    assert refused.message == "must be a number that a double can hold, not Infinity @ $.part"
    assert plugin.check(Context(), b'{"part": 1, "unheard_of": 1e400}').is_success


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_no_config_makes_check_raise(config):
    """Whatever bytes a host sends, the answer is a Result of a known type."""
    for plugin in (single, several):
        result = plugin.check(Context(), config)
        assert result.error is None or result.error.type in ERROR_TYPES


@pytest.mark.parametrize(
    ("config", "data"),
    [
        ({"url": "u", "service": "http"}, {"status_code": 200, "url": "u"}),
        ({"url": "u", "operation": "check"}, {"status_code": 200, "url": "u"}),
        ({"url": "u", "service": None, "operation": None}, {"status_code": 200, "url": "u"}),
        ({"url": "u", "service": "http", "operation": "check"}, {"status_code": 200, "url": "u"}),
    ],
)
def test_the_only_operation_need_not_be_named(config, data):
    """It may be, as one host always does."""
    assert single.check(Context(), json.dumps(config).encode()).data == data


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"operation": "chek"},
            'there is no operation "chek"; there are "check"; did you mean "check"? @ $.operation',
        ),
        (
            {"service": "HTTP"},
            'there is no service "HTTP"; there are "http"; did you mean "http"? @ $.service',
        ),
        ({"service": "x"}, 'there is no service "x"; there are "http" @ $.service'),
        ({"operation": 5}, 'there is no operation 5; there are "check" @ $.operation'),
    ],
)
def test_a_wrong_name_is_answered_with_those_there_are(config, message):
    """Even where there is only one operation: the profile means another plugin."""
    assert single.check(Context(), json.dumps({"url": "u", **config}).encode()).message == message


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"service": "web", "operation": "list"}, "ok"),
        ({"operation": "list"}, "ok"),
        ({"service": "status"}, "pong"),
        ({}, 'is required: one of "web", "status" @ $.service'),
        (
            {"service": "web"},
            'is required: one of "check", "list" @ $.operation',
        ),
        (
            {"service": "status", "operation": "list"},
            'there is no operation "list"; there are "ping" @ $.operation',
        ),
    ],
)
def test_several_operations_are_told_apart_by_as_much_as_it_takes(config, message):
    """A service alone, an operation alone, or both."""
    assert several.check(Context(), json.dumps(config).encode()).message == message


class _Client:
    def do(self, request: reglet.HTTPRequest) -> HTTPResponse:
        return HTTPResponse(200)

    def get(self, url: str) -> HTTPResponse:
        return HTTPResponse(200)

    def post(self, url: str, content_type: str, body: bytes) -> HTTPResponse:
        return HTTPResponse(200)


def test_a_port_is_given_by_its_annotation():
    """An optional one only where it is bound."""
    config = b'{"service": "status"}'
    assert several.check(Context(), config).data == {"client": False, "cancelled": False}
    ctx = reglet.with_client(Context(), _Client())
    assert several.check(ctx, config).data == {"client": True, "cancelled": False}


def test_a_port_that_is_not_bound_is_an_error_that_names_it():
    """And what is bound instead."""
    plugin = reglet.define_plugin(name="p", description="d")

    @plugin.service("s")
    class Service:
        @reglet.operation()
        def ask(self, *, http: HTTPClient) -> reglet.Result:
            return reglet.result_success(http.get("u").proto)

    error = plugin.check(Context(), b"{}").error
    assert error is not None
    assert (error.type, error.code) == ("internal", "missing_client")
    assert "HTTPClient" in error.message


@reglet.model
class Secretive:
    """A config with a secret and a field of yesterday."""

    token: str = reglet.field(secret=True)
    mode: str = "ok"
    old: str = reglet.field(default="", deprecated=True, description="use mode")

    def __attrs_post_init__(self) -> None:
        """Tell the secret."""
        if self.mode == "refused":
            raise ValueError(f"{self.token} is refused")
        if self.mode == "refusal broken":
            raise RuntimeError(f"{self.token} breaks it")


@reglet.model
class Told:
    """An answer that tells too much."""

    text: str
    token: str = reglet.field(secret=True)


secretive = reglet.define_plugin(name="secretive", description="d", config=Secretive)


@secretive.service("s")
class SecretiveService:
    """Lets the secret out in every way there is."""

    @reglet.operation()
    def tell(self, ctx: Context, request: Secretive) -> Told:
        """Tell."""
        text = f"with {request.token} inside"
        logging.getLogger("plugin").info(text)
        if request.mode == "bug":
            raise RuntimeError(text)
        if request.mode == "failed":
            raise reglet.CheckFailed(text, {text: [text]})
        if request.mode == "error":
            raise reglet.errors.ConfigError("token", text)
        return Told(f"{text} {ctx.config.mode}", request.token)


@pytest.mark.parametrize("mode", ["ok", "bug", "failed", "error", "refused", "refusal broken"])
def test_a_secret_of_the_config_is_in_no_result(mode):
    """Not in data, messages, codes, details or tracebacks."""
    result = secretive.check(Context(), json.dumps({"token": "hunter2", "mode": mode}).encode())
    assert "hunter2" not in repr(result)
    assert b"hunter2" not in (result.error.stack if result.error else b"")
    assert "***" in repr(result)


def test_the_config_model_is_in_the_context():
    """Parsed, beside the operation's own input."""
    result = secretive.check(Context(), b'{"token": "hunter2", "mode": "plain"}')
    assert result.data == {"text": "with *** inside plain", "token": "***"}


def test_the_use_of_a_deprecated_field_is_logged(caplog):
    """With what to do instead."""
    secretive.check(Context(), b'{"token": "hunter2", "old": "x"}')
    assert "config field old is deprecated: use mode" in caplog.messages


def test_a_key_that_stands_twice_is_logged(caplog):
    """The last one counts, as everywhere in JSON; at any depth it is most likely a mistake."""
    result = single.check(Context(), b'{"url": "a", "x": {"y": 1, "y": 2, "y": 3}, "url": "b"}')
    assert result.data == {"status_code": 200, "url": "b"}
    assert caplog.messages[:2] == [
        "the config has the key y 3 times in $.x; the last one counts",
        "the config has the key url 2 times; the last one counts",
    ]


def test_a_field_that_only_another_operation_has_is_logged(caplog):
    """The operation that is called does not read it."""
    plugin = reglet.define_plugin(name="two", version="1", description="d")

    @plugin.service("s")
    class Two:
        @reglet.operation(description="d")
        def first(self, request: CheckInput) -> Result:
            return reglet.result_success("ok")

        @reglet.operation(description="d")
        def second(self) -> Result:
            return reglet.result_success("ok")

    plugin.check(Context(), b'{"operation": "second", "url": "a", "service": "s"}')
    plugin.check(Context(), b'{"operation": "first", "url": "a"}')
    plugin.check(Context(), b'{"Operation": "first", "url": "a"}')
    assert caplog.messages == [
        "operation second has no field 'url', which others have",
        "the plugin has no field 'Operation' in its config; did you mean 'operation'?",
    ]


def test_problems_of_the_config_model_and_the_input_are_told_once():
    """Both read the same config."""
    result = secretive.check(Context(), b'{"mode": 5}')
    assert result.message == ("is required: a string @ $.token; must be a string, not 5 @ $.mode")


def test_no_check_is_running_after_a_check():
    """The next one starts afresh, whatever became of this."""
    _check("bug")
    assert running_check.get() is None


def test_a_plugin_without_operations_says_so():
    """Instead of failing without a reason."""
    empty: Any = reglet.define_plugin(name="empty", description="d")
    assert empty.check(Context(), b"{}").message == "the plugin has no operations @ $"
