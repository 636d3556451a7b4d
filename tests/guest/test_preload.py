"""Modules that a plugin needs without naming them."""

from __future__ import annotations

import subprocess
import sys

_CHECK = """
import sys
from reglet.infrastructure.guest.preload import preload_for
sys.modules.pop("_strptime", None)
def outer():
    def inner(text):
        import datetime
        return datetime.datetime.{name}(text)
    return inner
preload_for((outer.__code__.co_filename,))
print("_strptime" in sys.modules)
"""


def _is_imported(name: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", _CHECK.format(name=name)], capture_output=True, check=True, text=True
    )
    return done.stdout == "True\n"


def test_a_module_comes_with_the_attribute_that_needs_it() -> None:
    """Code that names `strptime`, in however deep a function, brings its module; other code does not."""
    assert [_is_imported("strptime"), _is_imported("fromisoformat")] == [True, False]
