"""The adapter's ABI: buffers, limits, host calls and exceptions (ABI sections 1, 4 and 6)."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from reglet.sandbox import Sandbox
from tests.tools.runtime.wasm_host import WasmHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from reglet.infrastructure.runtime import RuntimeProduct

LIMIT = 100 << 20


def ask(host: WasmHost, **request: Any) -> bytes:
    """Call `_observe` with a request."""
    return host.observe(json.dumps(request).encode())


def error_of(answer: bytes) -> dict[str, Any]:
    """Read the error of a Result, and check that it is a whole Result."""
    result = json.loads(answer)
    assert result["status"] == "error"
    assert result["timestamp"].startswith("20")
    return result["error"]


@pytest.mark.parametrize(
    ("export", "entry"),
    [("_manifest", "manifest"), ("describe", "describe"), ("schema", "schema")],
)
def test_exports_without_config_reach_the_handler(host: WasmHost, export: str, entry: str) -> None:
    """Each export without a config asks the handler under its own name."""
    answer = host.read(host.call(export))
    assert json.loads(answer) == {"entry": entry, "payload": ""}


@pytest.mark.parametrize(("export", "entry"), [("_observe", "observe"), ("observe", "legacy_observe")])
def test_exports_with_config_pass_it_on(host: WasmHost, export: str, entry: str) -> None:
    """The config arrives whole."""
    answer = host.observe('{"x": "é"}'.encode(), export)
    assert json.loads(answer) == {"entry": entry, "payload": '{"x": "é"}'}


def test_an_empty_config_is_empty(host: WasmHost) -> None:
    """A packed nothing as config reaches the handler as no bytes."""
    assert json.loads(host.read(host.call("_observe", 0, 0))) == {"entry": "observe", "payload": ""}


def test_a_config_outside_memory_is_refused(host: WasmHost) -> None:
    """An address beyond memory ends in a Result, not in a trap."""
    error = error_of(host.read(host.call("_observe", 0x7FFF0000, 100)))
    assert (error["type"], error["code"]) == ("internal", "invalid_config")


def test_a_config_at_address_0_is_refused(host: WasmHost) -> None:
    """Address 0 with a length is corrupt."""
    error = error_of(host.read(host.call("_observe", 0, 10)))
    assert error["code"] == "invalid_config"


def test_allocating_nothing_gives_0(host: WasmHost) -> None:
    """Size 0 is address 0."""
    assert host.allocate(0) == 0


def test_deallocate_ignores_what_it_does_not_know(host: WasmHost) -> None:
    """Twice, at a foreign address, with a wrong size: nothing happens."""
    address = host.allocate(100)
    for pointer, size in ((address, 7), (address, 100), (address + 4, 4), (0, 0), (123456, 5), (-16, 1)):
        host.call("deallocate", pointer, size)
    assert json.loads(ask(host))["entry"] == "observe"


def test_over_the_limit_allocate_gives_0_and_the_call_says_so(host: WasmHost) -> None:
    """100 MB in all; the call that the buffer was for ends in a Result of code memory_limit."""
    assert host.allocate(LIMIT - 100) != 0
    assert host.allocate(101) == 0
    error = error_of(host.read(host.call("_observe", 0, 101)))
    assert (error["type"], error["code"]) == ("internal", "memory_limit")
    assert json.loads(ask(host))["entry"] == "observe"


def test_a_host_that_comes_back_with_less_is_served(host: WasmHost) -> None:
    """Only the call whose config did not fit fails."""
    assert host.allocate(LIMIT + 1) == 0
    assert json.loads(ask(host))["entry"] == "observe"


def test_a_host_that_writes_at_0_does_no_harm(host: WasmHost) -> None:
    """After an `allocate` that gave 0, whatever is written there is undone."""
    size = host.pages * 65536 - 8
    assert host.allocate(LIMIT + 1) == 0
    host.memory.write(0, b"\xff" * size)
    assert error_of(host.read(host.call("_observe", 0, size)))["code"] == "memory_limit"
    for _ in range(3):
        assert json.loads(ask(host))["entry"] == "observe"
    pages = host.pages
    assert host.allocate(LIMIT + 1) == 0
    host.memory.write(0, b"\xff" * size)
    assert json.loads(ask(host))["entry"] == "observe"
    assert host.pages == pages


def test_an_answer_over_the_limit_ends_the_call(echo_plugin: bytes) -> None:
    """A host whose answer does not fit writes it at 0: the call ends in memory_limit, whatever the plugin does."""

    def answer(_request: bytes) -> int:
        assert host.allocate(LIMIT) == 0
        host.memory.write(0, b"\xee" * (5 << 20))
        return 5 << 20

    with closing(WasmHost(echo_plugin, {"http_request": answer})) as host:
        for do in ("call", "call and catch"):
            answered = ask(host, do=do, name="http_request", request="x")
            assert error_of(answered)["code"] == "memory_limit"
        assert json.loads(ask(host))["entry"] == "observe"


def test_an_answer_that_does_not_fit_is_memory_limit(host: WasmHost) -> None:
    """A plugin's own answer counts too."""
    assert host.allocate(90 << 20) != 0  # kept: it belongs to this call
    error = error_of(ask(host, do="answer", what="b'x' * (11 << 20)"))
    assert error["code"] == "memory_limit"
    assert ask(host, do="answer", what="b'x' * (11 << 20)") == b"x" * (11 << 20)


def test_a_host_that_never_deallocates_can_go_on(host: WasmHost) -> None:
    """Buffers of earlier calls are freed when the next begins."""
    config = json.dumps({"pad": "x" * 20_000}).encode()
    host.observe(config)
    pages = host.pages
    for _ in range(2_000):
        host.observe(config)
    assert host.pages == pages


@pytest.mark.long
def test_a_hundred_thousand_calls_stay_under_64_mb(echo_plugin: bytes) -> None:
    """20 KB configs and results, no `deallocate`, one instance."""
    config = json.dumps({"pad": "x" * 20_000}).encode()
    with closing(WasmHost(echo_plugin)) as host:
        for _ in range(100_000):
            host.observe(config)
        assert host.pages * 65536 < 64 << 20


def test_a_config_that_the_host_reuses_stays_its_own(host: WasmHost) -> None:
    """A buffer that is passed again is not freed under the host."""
    config = b'{"do": "echo"}'
    address = host.write(config)
    for _ in range(3):
        answer = host.read(host.call("_observe", address, len(config)))
        assert json.loads(answer)["payload"] == config.decode()
        assert host.allocate(len(config)) != address


def test_host_functions_answer(echo_plugin: bytes) -> None:
    """The request reaches the host and its answer the guest, re-entering `allocate`; both are freed."""
    with closing(WasmHost(echo_plugin, {"dns_lookup": lambda request: b"got " + request})) as host:
        assert ask(host, do="call", name="dns_lookup", request="abc") == b"b'got abc'"
        tracked = int(ask(host, do="evaluate", what="_reglet.tracked_bytes()"))
        assert tracked < 100


def test_a_host_may_hand_over_in_the_room_that_is_left_to_it(
    echo_plugin: bytes, product: RuntimeProduct
) -> None:
    """Nobody else writes there: neither what made the plugin nor what it does."""
    room = product.module.room

    def answer(request: bytes) -> int:
        host.memory.write(room.start, b"got " + request)
        return room.start << 32 | 4 + len(request)

    with closing(WasmHost(echo_plugin, {"dns_lookup": answer})) as host:
        assert host.memory.read(room.start, len(room)) == bytes(len(room))
        ask(host, do="evaluate", what="len(gc.get_objects())")
        assert host.memory.read(room.start, len(room)) == bytes(len(room))
        config = json.dumps({"do": "call", "name": "dns_lookup", "request": "abc"}).encode()
        for _ in range(3):
            host.memory.write(room.start, config)
            assert host.read(host.call("_observe", room.start, len(config))) == b"b'got abc'"
        assert int(ask(host, do="evaluate", what="_reglet.tracked_bytes()")) < 100


class Repeating:
    """Host functions that answer with as much as is asked for."""

    def call(self, _name: str, request: bytes) -> bytes:
        """Answer."""
        return b"x" * int(request)


def test_what_is_larger_than_the_room_goes_to_allocated_memory(
    echo_plugin: bytes, product: RuntimeProduct
) -> None:
    """In the sandbox, configs and answers arrive whole, whatever their size."""
    with Sandbox(functions=Repeating()) as sandbox:
        module = sandbox.load(echo_plugin)
        for size in (1, len(product.module.room), len(product.module.room) + 1, 1_000_000):
            wish = {"do": "call", "name": "dns_lookup", "request": str(size)}
            assert module.answer("_observe", json.dumps(wish).encode()) == repr(b"x" * size).encode()
            config = b'{"do": "echo"}'.ljust(max(size, 20))
            assert json.loads(module.answer("_observe", config))["payload"] == config.decode()


def test_log_message_answers_nothing(host: WasmHost) -> None:
    """It returns no value; the guest sees no bytes."""
    assert ask(host, do="call", name="log_message", request="hello") == b"b''"
    assert host.logged == [b"hello"]


@pytest.mark.parametrize(
    ("packed", "answer"),
    [
        (0, b"b''"),
        (7, b"ValueError: the host's answer lies outside memory: address 0, length 7"),
        (
            0xFFFFFF00 << 32 | 0x1000,
            b"ValueError: the host's answer lies outside memory: address 4294967040, length 4096",
        ),
        (
            16 << 32 | 0xFFFFFFFF,
            b"ValueError: the host's answer lies outside memory: address 16, length 4294967295",
        ),
    ],
)
def test_corrupt_answers_are_told(echo_plugin: bytes, packed: int, answer: bytes) -> None:
    """A packed 0 is no answer; a place that is not memory is an error that says so."""
    with closing(WasmHost(echo_plugin, {"http_request": lambda _: packed})) as host:
        assert ask(host, do="call and catch", name="http_request", request="x") == answer


def test_unknown_host_functions_are_told(host: WasmHost) -> None:
    """A name that the ABI has not is a LookupError."""
    answered = ask(host, do="call and catch", name="kv_get", request="x")
    assert answered == b"LookupError: no host function is called kv_get"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("KeyError('x')", "KeyError: 'x'"),
        ("SystemExit(3)", "SystemExit: 3"),
        ("ValueError('a \"quoted\" \\\\ line\\nand é')", 'ValueError: a "quoted" \\ line\nand é'),
        ("KeyboardInterrupt()", "KeyboardInterrupt: "),
        ("ValueError('\\ud800')", "ValueError: (no text)"),
    ],
)
def test_an_exception_that_escapes_is_a_result(host: WasmHost, what: str, message: str) -> None:
    """Nothing traps."""
    error = error_of(ask(host, do="raise", what=what))
    assert error == {"type": "internal", "code": "unhandled_exception", "message": message}


def test_a_long_message_is_cut_between_characters(host: WasmHost) -> None:
    """The report's room is fixed."""
    message = error_of(ask(host, do="raise", what="ValueError('é' * 1000)"))["message"]
    assert message.strip("é") == "ValueError: "
    assert 200 < len(message) < 512


def test_python_out_of_memory_is_memory_limit(host: WasmHost) -> None:
    """MemoryError is told as the limit that it is."""
    assert error_of(ask(host, do="raise", what="MemoryError()"))["code"] == "memory_limit"


def test_an_answer_that_is_not_bytes_is_a_result(host: WasmHost) -> None:
    """A handler that answers text is told."""
    error = error_of(ask(host, do="answer", what="'text'"))
    assert error["message"] == "TypeError: expected bytes, str found"


def test_the_older_app_gets_its_own_evidence(host: WasmHost) -> None:
    """A failure of `observe` is evidence in the older app's form."""
    evidence = json.loads(host.observe(b'{"do": "raise", "what": "KeyError(1)"}', "observe"))
    assert evidence["Timestamp"].startswith("2023-11-14T22:13:2")
    del evidence["Timestamp"]
    assert evidence == {
        "Status": False,
        "Data": None,
        "Raw": None,
        "Error": {"type": "internal", "code": "unhandled_exception", "message": "KeyError: 1"},
    }


def test_the_bare_runtime_says_that_it_is_no_plugin(snapshot_of: Callable[[str], bytes]) -> None:
    """Without a handler every export says so."""
    with closing(WasmHost(snapshot_of("pass"))) as host:
        assert error_of(host.read(host.call("_manifest")))["code"] == "no_handler"


def test_the_environment_is_the_runs_own(echo_plugin: bytes) -> None:
    """`_reglet.environ` asks the host, not the build's memory."""
    with closing(WasmHost(echo_plugin, environment={"A": "1", "B": "x=y"})) as host:
        assert ask(host, do="evaluate", what="_reglet.environ()") == b"[b'A=1', b'B=x=y']"


def test_deep_recursion_ends_in_python(host: WasmHost) -> None:
    """The stack is large enough for CPython's own limit to strike first."""
    error = error_of(ask(host, do="raise", what="(lambda f: f(f))(lambda f: f(f))"))
    assert error["message"].startswith("RecursionError")


@pytest.mark.parametrize(
    ("names", "values", "outcome"),
    [
        ("'a', 'b'", "1, 2", "1 2"),
        ("'b',", "1", "0 1"),
        ("'a', 'c'", "1, 2", "AttributeError: 'Frozen' object has no attribute 'c'"),
        ("1,", "1", "TypeError: attribute name must be string, not 'int'"),
        ("'a', 'b'", "1", "TypeError: set_fields takes an instance and 2 values, not 2 arguments"),
        ("", "", "0 0"),
    ],
)
def test_fields_are_set_whatever_their_class_says(
    host: WasmHost, names: str, values: str, outcome: str
) -> None:
    """As `object.__setattr__` does, by which attrs sets the fields of a frozen instance."""
    source = f"""
class Frozen:
    __slots__ = ("a", "b")
    __setattr__ = None
frozen = Frozen()
try:
    _reglet.fields_setter(("a", "b"))(frozen, 0, 0)
    _reglet.fields_setter(({names}))(frozen, {values})
    outcome = f'{{frozen.a}} {{frozen.b}}'
except Exception as error:
    outcome = f"{{type(error).__name__}}: {{error}}"
"""
    what = f"(lambda known: exec({source!r}, known) or known['outcome'])({{'_reglet': _reglet}})"
    assert ask(host, do="evaluate", what=what) == repr(outcome).encode()
