"""What every room's tests may use."""

import os
import signal
from importlib.metadata import entry_points

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

if "PYTEST_XDIST_WORKER" in os.environ:  # coverage measures the workers, and not what their tests start
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for a job in the background: Ctrl-C is tested too
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("reglet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("reglet")
