"""docs/performance.md, written from one run of the bench: nothing of it is pasted by hand."""

from __future__ import annotations

import gzip
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from attrs import frozen

from bench.harness import Measurement, Unavailable, duration, table
from reglet.infrastructure.wasm.module import read_plugin
from reglet.infrastructure.wasm.sections import PAGE_SIZE

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs" / "performance.md"
_EXAMPLE = _ROOT / "examples" / "http"
_PACKAGES = ("reglet", "wasmtime", "componentize-py", "attrs", "cattrs", "httpx")
_INTRODUCTION = """\
# Performance

`make bench` compares with a peer in one run, the two in turn, and prints medians and the median of the
ratios of neighbouring runs; a ratio of 0.5 means half the peer's time. Single times say little: machines
differ and are busy.
`python -m bench --page` wrote this page."""


@frozen
class Section:
    """What one module of rows measured, and what it says of it: a title, then Markdown."""

    meaning: str
    measurements: Sequence[Measurement]


def page(sections: Iterable[Section]) -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, "", *_machine(), *_sections(sections), *_example()]) + "\n"


def _sections(sections: Iterable[Section]) -> Iterator[str]:
    for section in sections:
        title, _, meaning = section.meaning.strip().partition("\n")
        yield from (f"## {title.removesuffix('.')}", "", *([meaning.strip(), ""] if meaning.strip() else []))
        yield from (*table(section.measurements), "")


def _machine() -> Iterator[str]:
    yield "| the run | |"
    yield "|---|---|"
    yield f"| machine | {os.cpu_count()} cores of {_processor()}, {platform.system()} |"
    if hasattr(os, "getloadavg"):
        yield f"| busy (load of the last 15 minutes) | {os.getloadavg()[2]:.1f} |"
    yield f"| Python | {platform.python_implementation()} {platform.python_version()} |"
    yield f"| packages | {', '.join(_versions())} |"
    yield ""


def _processor() -> str:
    try:
        known = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        known = None
    return known[1] if known else platform.processor() or platform.machine()


def _versions() -> Iterator[str]:
    for name in _PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    wazero = re.search(r"(wazero) v(\S+)", (_ROOT / "tests/interop/host/go.mod").read_text(encoding="utf-8"))
    if wazero:
        yield f"{wazero[1]} {wazero[2]}"
    try:
        yield subprocess.run(["go", "version"], capture_output=True, check=True, text=True).stdout.split()[2]
    except (OSError, subprocess.CalledProcessError):
        return


def _example() -> Iterator[str]:
    """Yield a table of what the example of an HTTP check weighs, and how long its build takes."""
    with tempfile.TemporaryDirectory(prefix="reglet-bench-") as folder:
        built = Path(folder, "http.wasm")
        environment = {**os.environ, "REGLET_CACHE_DIR": str(Path(folder, "cache"))}
        command = [sys.executable, "-m", "reglet.cli", "build", str(_EXAMPLE), "-o", str(built)]
        seconds = []
        for _ in range(4):
            started = time.perf_counter()
            done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
            seconds.append(time.perf_counter() - started)
            if done.returncode:
                raise Unavailable(done.stderr)
        content = built.read_bytes()
    memory = read_plugin(content).memory
    yield "## The `http` example"
    yield ""
    yield "| what | |"
    yield "|---|---|"
    yield f"| file | {_megabytes(len(content))}, {_megabytes(len(gzip.compress(content, 9)))} gzip |"
    if memory is not None:
        yield f"| memory at start | {_megabytes(memory.minimum * PAGE_SIZE)} |"
    yield f"| first build, nothing cached, whole process | {duration(seconds[0])} |"
    yield f"| build, caches warm, whole process | {duration(min(seconds[1:]))} |"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"
