"""Compiled modules: from the cache when intact, compiled again when not."""

from pathlib import Path

import pytest
import wasmtime

from reglet.infrastructure.engine import CompilationError, compiled, engine

ANSWER = wasmtime.wat2wasm('(module (func (export "answer") (result i32) i32.const 42))')


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache folder, set by the environment as a user sets it."""
    monkeypatch.setenv("REGLET_CACHE_DIR", str(tmp_path))
    return tmp_path / "runtimes"


def _call(module: wasmtime.Module, name: str) -> object:
    with wasmtime.Store(engine()) as store:
        store.set_epoch_deadline(1)
        function = wasmtime.Instance(store, module, []).exports(store)[name]
        assert isinstance(function, wasmtime.Func)
        return function(store)


def test_a_second_load_reads_the_kept_code(cache: Path) -> None:
    """The first call compiles and keeps one file; the second leaves it as it is and works the same."""
    first = _call(compiled(ANSWER), "answer")
    kept = [path.read_bytes() for path in cache.iterdir()]
    second = _call(compiled(ANSWER), "answer")

    assert [first, second] == [42, 42]
    assert [path.read_bytes() for path in cache.iterdir()] == kept
    assert len(kept) == 1


@pytest.mark.parametrize("damage", [b"", b"\x7fELF no module at all"])
def test_damaged_code_is_compiled_again(cache: Path, damage: bytes) -> None:
    """A torn or foreign file in the cache is replaced by good code."""
    compiled(ANSWER)
    (entry,) = cache.iterdir()
    good = entry.stat().st_size
    entry.write_bytes(damage)

    assert _call(compiled(ANSWER), "answer") == 42
    assert entry.stat().st_size == good


def test_a_module_that_does_not_validate_is_refused(cache: Path) -> None:
    """Nothing is kept of what is not WebAssembly."""
    with pytest.raises(CompilationError, match="it does not validate"):
        compiled(b"not wasm")

    assert not cache.exists()
