"""The same plugin as a component, run with wasmtime's component API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import wasmtime
from wasmtime.component import Component, Func, Instance, Linker

from reglet.infrastructure.build.build import build_component

ROOT = Path(__file__).parents[2]
ANSWER = {"status_code": 204, "proto": "HTTP/1.1"}


@pytest.mark.long
def test_the_http_example_as_a_component(tmp_path: Path) -> None:
    """Its manifest is there, its check asks the host in the same JSON, and the Result has the host's answer."""
    report = build_component(ROOT / "examples" / "http", tmp_path / "http.wasm")
    engine = wasmtime.Engine()
    requests: list[dict[str, object]] = []

    def http_request(_store: object, request: bytes) -> bytes:
        requests.append(json.loads(request))
        return json.dumps(ANSWER).encode()

    linker = Linker(engine)
    linker.add_wasip2()
    with linker.root() as root, root.add_instance("reglet:plugin/host@0.1.0") as host:
        host.add_func("http-request", http_request)
        for name in ("dns-lookup", "tcp-connect", "smtp-connect", "exec-command", "log-message"):
            host.add_func(name, lambda _store, _request: b"")
    component = Component(engine, report.path.read_bytes())
    with wasmtime.Store(engine) as store:
        store.set_wasi(wasmtime.WasiConfig())
        instance = linker.instantiate(store, component)

        manifest = json.loads(_call(instance, store, "manifest"))
        config = {"url": "https://example.com", "expected_status": 204}
        result = json.loads(_call(instance, store, "observe", json.dumps(config).encode()))

    assert manifest["name"] == report.name == "http"
    assert [request["url"] for request in requests] == ["https://example.com"]
    assert (result["status"], result["data"]["status_code"]) == ("success", 204)


def _call(instance: Instance, store: wasmtime.Store, name: str, *arguments: bytes) -> bytes:
    function = instance.get_func(store, name)
    assert isinstance(function, Func)
    answer = function(store, *arguments)
    function.post_return(store)
    return bytes(answer)
