"""The runtime as a release left it: read, or refused with what to do."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from reglet.infrastructure.runtime import PRODUCT_FOLDER, RuntimeProductError, load_product
from reglet.infrastructure.wasm.module import read_signatures

if TYPE_CHECKING:
    from pathlib import Path


def test_files_and_digests_agree() -> None:
    """The description names what lies beside it."""
    described = json.loads((PRODUCT_FOLDER / "runtime.json").read_bytes())["sha256"]
    for name, digest in described.items():
        assert hashlib.sha256((PRODUCT_FOLDER / name).read_bytes()).hexdigest() == digest
    assert load_product().components["componentize-py"] == "0.25.1"


def test_the_description_has_the_types_of_the_module() -> None:
    """Whoever runs what is compiled reads no WebAssembly."""
    module = load_product().module
    assert module.signatures == read_signatures(module.wasm)


def test_an_absent_product_says_how_to_make_it(tmp_path: Path) -> None:
    """A clone before `make runtime`."""
    with pytest.raises(RuntimeProductError, match="reinstall reglet, or in a clone run: make runtime"):
        load_product(tmp_path)


def test_a_product_of_another_release_says_how_to_make_it(tmp_path: Path) -> None:
    """A clone that went on to another commit without `make runtime`."""
    folder = tmp_path / "product"
    shutil.copytree(PRODUCT_FOLDER, folder)
    description = json.loads((folder / "runtime.json").read_bytes())
    del description["plugin_exports"]
    (folder / "runtime.json").write_text(json.dumps(description))
    with pytest.raises(RuntimeProductError, match=r"of another release .*make it again: make runtime"):
        load_product(folder)


def test_a_changed_product_is_refused(tmp_path: Path) -> None:
    """A torn or altered module is not run."""
    folder = tmp_path / "product"
    shutil.copytree(PRODUCT_FOLDER, folder)
    with (folder / "runtime.wasm").open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"x")
    with pytest.raises(RuntimeProductError, match="was changed since it was made"):
        load_product(folder)
