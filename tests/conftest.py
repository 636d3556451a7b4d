"""What every room's tests may use."""

import os
import signal
import sys
import threading
from collections.abc import Generator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

KIT = "reglet.testing.pytest_plugin"
_INSTALLED = any(entry.value == KIT for entry in entry_points(group="pytest11"))

pytest_plugins = [
    "pytester",
    "tests.built_plugins",
    "tests.dask_cluster",
    "tests.registry.servers",
    *([] if _INSTALLED else [KIT]),
]

if "PYTEST_XDIST_WORKER" in os.environ:
    # coverage measures the workers, and not what their tests start
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    # a pytest that a test starts has the plugin that a project's author has, and not all of those here
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": KIT}

for name in ("COLUMNS", "LINES"):  # which fold what is compared line by line
    os.environ.pop(name, None)

# Hypothesis computes its table of Unicode once, and not for a second and a half in each project of the tests.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).parents[1] / ".hypothesis"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for a job in the background: Ctrl-C is tested too
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine than about what is tested, and the same tree has the same
# outcome in every run: `--hypothesis-profile search` draws examples that no run has had.
settings.register_profile(
    "reglet", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", settings.get_profile("reglet"), derandomize=False)
settings.load_profile("reglet")

LONGEST = (
    "tests/examples/test_projects.py",
    "tests/documents/test_site.py",
    "tests/cli/test_new.py",
    "tests/documents/test_tutorial.py",
    "tests/testing/test_conformance.py",
    "tests/cli/test_main.py",
    "tests/examples/test_fleet.py",
    "tests/tools/runtime",
    "tests/host",
    "tests/hostile",
    "tests/interop",
    "tests/cli",
    "tests/domain/test_policy_properties.py",
)
"""The files and folders whose tests take longest, which are begun first: so two workers end together.

The first has the runtime compiled; of the others those are first that do without it until then."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first."""
    items.sort(
        key=lambda item: next(
            (at for at, path in enumerate(LONGEST) if item.nodeid.startswith(path)), len(LONGEST)
        )
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Pause coverage while a test does many times over what others do once: measured, it takes twice as long."""
    again = item.get_closest_marker("unmeasured") or hasattr(getattr(item, "obj", None), "hypothesis")
    trace, trace_of_threads = sys.gettrace(), threading.gettrace()
    if not again or trace is None:
        return (yield)
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)
        threading.settrace(trace_of_threads)
