"""What every room's tests may use."""

from importlib.metadata import entry_points

KIT = "reglet.testing.pytest_plugin"
_INSTALLED = any(entry.value == KIT for entry in entry_points(group="pytest11"))

pytest_plugins = ["pytester", "tests.built_plugins", "tests.registry.servers", *([] if _INSTALLED else [KIT])]
