"""A plugin's exports: bytes in, bytes out, whatever goes wrong."""

from __future__ import annotations

import base64
import json
import logging
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reglet
from reglet.domain.context import Context
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import Result, result_success
from reglet.domain.errors import CheckFailed, RegletError
from reglet.infrastructure.guest.exports import Exports
from tests.guest.hosts import ScriptedHost


@reglet.model
class Wanted:
    """What the test plugin is asked."""

    url: str
    status: int = 200


@reglet.model
class Found:
    """What the test plugin answers."""

    url: str
    status: int


definition = reglet.define_plugin(name="web", version="1.2.0", description="Looks at <pages>", config=Wanted)


@definition.service("web", description="Pages")
class WebService:
    """One operation over HTTP."""

    @reglet.operation(description="Look")
    def check(self, ctx: Context, request: Wanted) -> Found:
        """Ask for the page."""
        response = ctx.client(reglet.HTTPClient).get(request.url)
        return Found(request.url, response.status_code)


class Broken:
    """A plugin of the author's own that raises what it is given."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def manifest(self, ctx: Context) -> Manifest:
        """Raise."""
        raise self._error

    def check(self, ctx: Context, config: bytes) -> Result:
        """Raise."""
        raise self._error


class Answering:
    """A plugin of the author's own that answers what it is given."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def manifest(self, ctx: Context) -> Manifest:
        """Say a name."""
        return Manifest("own", "1")

    def check(self, ctx: Context, config: bytes) -> Result:
        """Return the answer."""
        return self._answer  # type: ignore[no-any-return]  # what it is is the test


def exports_of(plugin: Any, *answers: dict[str, Any]) -> Exports:
    """Return a plugin's exports over a host with these answers."""
    return Exports(plugin, ScriptedHost(*(answers or ({"status_code": 204},))))


def test_observe_answers_with_data_time_and_metadata() -> None:
    """A Result says when it was made, by what, and how long it took."""
    result = json.loads(exports_of(definition).observe(b'{"url": "http://h/"}'))
    assert (result["status"], result["data"]) == ("success", {"status": 204, "url": "http://h/"})
    metadata = result["metadata"]
    assert (metadata["plugin_id"], metadata["sdk_version"]) == ("web", reglet.__version__)
    assert metadata["duration_ns"] >= 0
    assert metadata["start_time"] <= metadata["end_time"] <= result["timestamp"]


def test_the_structure_of_a_failed_call_reaches_the_result() -> None:
    """A host's failure has its type in the Result."""
    exports = exports_of(definition, {"error": {"code": "CONNECTION_REFUSED", "message": "refused"}})
    result = json.loads(exports.observe(b'{"url": "http://h/"}'))
    assert (result["status"], result["error"]["type"]) == ("error", "network")
    assert "refused" in result["message"]


def test_the_manifest_is_stable_and_read_back() -> None:
    """Two calls give the same bytes."""
    exports = exports_of(definition)
    assert exports.manifest() == exports.manifest()
    assert json.loads(exports.manifest())["services"]["web"]["operations"][0]["name"] == "check"


def test_the_older_app_gets_its_own_forms() -> None:
    """`describe`, `schema` and `observe` of the older app."""
    exports = exports_of(definition)
    assert json.loads(exports.describe()) == {
        "name": "web",
        "version": "1.2.0",
        "description": "Looks at <pages>",
        "capabilities": [],
    }
    assert json.loads(exports.schema())["required"] == ["url"]
    evidence = json.loads(exports.legacy_observe(b'{"url": "http://h/"}'))
    assert (evidence["Status"], evidence["Error"], evidence["Raw"]) == (True, None, None)
    assert evidence["Data"] == {"status": 204, "url": "http://h/"}


@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(3), GeneratorExit(), RecursionError("deep"), AssertionError()]
)
def test_a_bug_is_a_panic_with_a_traceback(error: BaseException) -> None:
    """Whatever a plugin raises, the host gets a Result."""
    result = json.loads(exports_of(Broken(error)).observe(b"{}"))
    assert (result["status"], result["error"]["type"]) == ("error", "panic")
    assert type(error).__name__ in base64.b64decode(result["error"]["stack"]).decode()


def test_running_out_of_memory_has_its_own_code() -> None:
    """Hosts tell it from a bug."""
    error = json.loads(exports_of(Broken(MemoryError())).observe(b"{}"))["error"]
    assert (error["type"], error["code"]) == ("internal", "memory_limit")


def test_expected_outcomes_of_a_plugin_of_ones_own() -> None:
    """`CheckFailed` is a failure, our errors keep their detail."""
    failed = json.loads(exports_of(Broken(CheckFailed("no", {"a": 1}))).observe(b"{}"))
    assert (failed["status"], failed["message"], failed["data"]) == ("failure", "no", {"a": 1})
    error = json.loads(exports_of(Broken(RegletError("m"))).observe(b"{}"))
    assert (error["status"], error["error"]) == ("error", {"message": "m", "type": "internal", "code": ""})


@pytest.mark.parametrize("answer", [None, {"status": "success"}, "success"])
def test_an_answer_that_is_no_result_is_a_panic(answer: Any) -> None:
    """The text says what it should have been."""
    result = json.loads(exports_of(Answering(answer)).observe(b"{}"))
    assert "must return a reglet.Result" in result["error"]["message"]


@pytest.mark.parametrize("value", [float("nan"), object(), {1: "a", "b": 2}, {"k": {1j}}])
def test_data_that_is_no_json_is_an_error_result(value: Any) -> None:
    """A Result that cannot be written becomes one that can."""
    result = json.loads(exports_of(Answering(result_success("m", {"v": value}))).observe(b"{}"))
    error = result["error"]
    assert (result["status"], error["type"], error["code"]) == ("error", "panic", "wire_format")


def test_a_plugin_of_ones_own_is_named_in_its_results() -> None:
    """The name comes from its manifest."""
    result = json.loads(exports_of(Answering(result_success("m"))).observe(b"{}"))
    assert result["metadata"]["plugin_id"] == "own"


def test_a_manifest_that_cannot_be_made_says_so() -> None:
    """In its description and in the log, since hosts take an error for an empty manifest."""
    host = ScriptedHost({})
    manifest = json.loads(Exports(Broken(ValueError("no <b>")), host).manifest())
    assert manifest["description"] == "This plugin cannot describe itself: ValueError: no <b>"
    (message,) = host.messages
    assert message["level"] == "ERROR"
    assert "Traceback" in message["message"]


def test_ctrl_c_is_passed_on_outside_of_a_module() -> None:
    """A person can stop a run."""
    with pytest.raises(KeyboardInterrupt):
        exports_of(Broken(KeyboardInterrupt())).observe(b"{}")


def test_what_a_plugin_logs_and_prints_goes_to_the_host() -> None:
    """`logging` with its extra fields, warnings and `print`."""

    class Talking(Answering):
        def check(self, ctx: Context, config: bytes) -> Result:
            logging.getLogger("p").info("hello", extra={"n": 5})
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.warn("old", DeprecationWarning, stacklevel=1)
            print("printed")  # noqa: T201 - it is what is tested
            return super().check(ctx, config)

    host = ScriptedHost({})
    Exports(Talking(result_success("m")), host, streams=True).observe(b"{}")
    first, second, third = host.messages
    assert (first["message"], first["attrs"]) == ("hello", [{"key": "n", "type": "int64", "value": "5"}])
    assert ("old" in second["message"], second["level"]) == (True, "WARN")
    assert third["message"] == "printed"


def test_a_module_answers_its_entries_by_name() -> None:
    """The runtime passes every export through one function."""
    exports = exports_of(definition)
    handler = exports.answer
    assert handler("manifest", b"") == exports.manifest()
    assert handler("describe", b"") == exports.describe()
    assert handler("schema", b"") == exports.schema()
    assert json.loads(handler("observe", b"{}"))["status"] == "error"
    assert json.loads(handler("legacy_observe", b"{}"))["Status"] is False


@settings(max_examples=60, deadline=None)
@given(st.binary())
def test_any_config_gives_a_result(config: bytes) -> None:
    """No bytes from a host escape as an exception."""
    result = json.loads(exports_of(definition).observe(config))
    assert result["status"] == "error"
    assert json.loads(exports_of(definition).legacy_observe(config))["Status"] is False


@settings(max_examples=60, deadline=None)
@given(st.binary())
def test_any_answer_of_a_host_gives_a_result(answer: bytes) -> None:
    """No answer of a host escapes as an exception."""
    exports = Exports(definition, ScriptedHost(answer))
    result = json.loads(exports.observe(b'{"url": "http://h/"}'))
    assert result["status"] in ("success", "error")
    assert result.get("error", {}).get("type") != "panic"


@reglet.model
class Login:
    """A config with a secret."""

    token: str = reglet.field(secret=True)


keeper = reglet.define_plugin(name="keeper", version="1.0.0", description="Logs in")


@keeper.service("keeper")
class KeeperService:
    """One operation that logs its secret."""

    @reglet.operation(description="Log in")
    def check(self, request: Login) -> Result:
        """Log the secret."""
        logging.getLogger("keeper").warning("token %s", request.token)
        return result_success("ok", {"token": request.token})


def test_a_kept_log_forgets_the_secrets_of_a_check() -> None:
    """They are taken out of what the check says, and a later check's log knows nothing of them."""
    host = ScriptedHost({})
    exports = Exports(keeper, host)
    exports.keep_log()
    try:
        first = exports.observe(b'{"token": "s3cret-token"}')
        logging.getLogger("keeper").warning("between s3cret-token")
        second = exports.observe(b'{"token": "another-one"}')
    finally:
        exports.restore_log()

    logged = [each["message"] for each in host.messages]
    assert [json.loads(each)["data"] for each in (first, second)] == [{"token": "***"}] * 2
    assert logged == ["token ***", "between s3cret-token", "token ***"]
