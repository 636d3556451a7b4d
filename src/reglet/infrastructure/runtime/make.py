"""Makes the product: the wheel's libraries, linked, and its standard library, compiled."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from reglet.infrastructure.runtime import sources
from reglet.infrastructure.runtime.core import ADAPTER, link_runtime
from reglet.infrastructure.runtime.fetch import linux_extension
from reglet.infrastructure.runtime.interpreter import Interpreter
from reglet.infrastructure.runtime.product import PRODUCT_FOLDER, RuntimeProductError, made_by
from reglet.infrastructure.runtime.standard_library import builtin_modules, chosen, compile_all
from reglet.infrastructure.runtime.wheel import take_parts
from reglet.infrastructure.runtime.write_product import write_product

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = Path(__file__).parent
_MAKERS = (_HERE, _HERE.parent / "module")
"""The packages whose code decides what the product is."""


def make_product(folder: Path = PRODUCT_FOLDER, *, progress: Callable[[str], object] = print) -> None:
    """Make the product in `folder`; it takes about 10 seconds.

    Raises:
        WheelError: the pinned componentize-py for Linux could not be had.
        LinkError: its libraries and the adapter do not fit together.
        InterpreterError: the interpreter did not compile a module.
    """
    progress("take the libraries out of componentize-py")
    parts = take_parts(linux_extension())
    adapter = ADAPTER.read_bytes()
    progress("link the runtime module")
    core = link_runtime(parts.libraries, adapter)
    progress("compile the standard library")
    files = chosen(parts.standard_library)
    with closing(Interpreter(core.wasm, core.constructors, files)) as interpreter:
        modules = builtin_modules(interpreter)
        compiled = compile_all(interpreter, files)
    progress(f"write {folder}")
    write_product(folder, core, compiled, modules, _components(adapter))


def is_up_to_date(folder: Path = PRODUCT_FOLDER) -> bool:
    """Tell whether `folder` has the product that this code and its pinned inputs make."""
    try:
        return made_by(folder) == _maker_digest()
    except RuntimeProductError:
        return False


def _maker_digest() -> str:
    digest = hashlib.sha256()
    for package in _MAKERS:
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update(ADAPTER.read_bytes())
    return digest.hexdigest()


def _components(adapter: bytes) -> dict[str, str]:
    return {
        "maker": _maker_digest(),
        "componentize-py": sources.COMPONENTIZE_PY,
        "cpython": sources.CPYTHON,
        "adapter": hashlib.sha256(adapter).hexdigest(),
        "standard library": sources.STANDARD_LIBRARY_SHA256,
        **{library.name: library.sha256 for library in sources.LIBRARIES},
    }
