"""The whole path, with times: build the http plugin, run it against a server on this machine, four ways."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROJECT = Path(__file__).parent / "http"
COMMAND = Path(sys.executable).parent / "reglet-plugin"


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"hello from the demo\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing: the demo's own lines are enough."""


def main() -> int:
    """Run the demo; the status is 1 if a step ended otherwise than it should."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        wrong = _steps(server.server_port, Path(folder))
    server.shutdown()
    server.server_close()
    for step in wrong:
        print(f"unexpected: {step}")
    return 1 if wrong else 0


def _steps(port: int, folder: Path) -> list[str]:
    module, grants = folder / "http.wasm", folder / "grants.json"
    rule = {"hosts": ["127.0.0.1"], "ports": [str(port)]}
    grants.write_text(json.dumps({"network": {"rules": [rule]}}))
    page = {"url": f"http://127.0.0.1:{port}/"}
    granted = ["--grants", f"@{grants}"]
    right, wrong = json.dumps(page), json.dumps({**page, "expected_status": 404})
    steps = [
        ("build", 0, ["build", str(PROJECT), "-o", str(module)]),
        ("build again, caches warm", 0, ["build", str(PROJECT), "-o", str(module)]),
        ("in the sandbox, granted", 0, ["run", str(module), "--config", right, *granted]),
        ("the same again", 0, ["run", str(module), "--config", right, *granted]),
        ("a wrong status", 1, ["run", str(module), "--config", wrong, *granted]),
        ("the grant withheld", 2, ["run", str(module), "--config", right, "--grants", "none"]),
        ("in process", 0, ["run", str(PROJECT), "--config", right, *granted]),
    ]
    return [name for name, status, arguments in steps if _step(name, arguments) != status]


def _step(name: str, arguments: list[str]) -> int:
    print(f"\n── {name}\n$ reglet-plugin {' '.join(arguments)}", flush=True)
    start = time.perf_counter()
    status = subprocess.run([str(COMMAND), *arguments], check=False).returncode
    print(f"   status {status}, {time.perf_counter() - start:.2f} s", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
