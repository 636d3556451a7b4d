"""What the guest imports: the standard library, attrs and typing-extensions."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

_ALLOWED = ("attr", "attrs", "typing_extensions")
_CODE = """
import sys
sys.path[:0] = sys.argv[1].split(";")
import reglet, reglet.config, reglet.errors, reglet.exec, reglet.log, reglet.answers
import reglet.infrastructure.guest.exports
plugin = reglet.define_plugin(name="p", description="d")
class Host:
    def call(self, name, request): return b""
from reglet.infrastructure.guest.exports import Exports
assert b'"name":"p"' in Exports(plugin, Host()).manifest()
known = set(sys.stdlib_module_names) | set(sys.argv[2].split(";")) | {"reglet", "__main__"}
foreign = sorted({name.partition(".")[0] for name in sys.modules} - known)
assert not foreign, foreign
"""


def test_the_guest_runs_with_three_packages_and_nothing_else(tmp_path: Path) -> None:
    """An interpreter without site-packages, given only what a module carries, imports and runs the guest."""
    for name in (*_ALLOWED, "reglet"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        whole = origin.parent if spec.submodule_search_locations else origin
        (tmp_path / whole.name).symlink_to(whole)
    command = [sys.executable, "-I", "-S", "-c", _CODE, str(tmp_path), ";".join(_ALLOWED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
