"""The runtime, ready to start guests of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from reglet.infrastructure.engine import compiled
from reglet.infrastructure.runtime.product import load_product

if TYPE_CHECKING:
    import wasmtime

    from reglet.infrastructure.runtime.product import RuntimeProduct


@attrs.frozen
class LoadedRuntime:
    """The runtime and its compiled code."""

    product: RuntimeProduct
    code: wasmtime.Module

    @property
    def key(self) -> str:
        """Return what names the runtime's content."""
        return self.product.key


def load_runtime() -> LoadedRuntime:
    """Load the runtime, compiling it where this machine has not done so before.

    Raises:
        RuntimeProductError: reglet's installation is not whole.
    """
    product = load_product()
    return LoadedRuntime(product, compiled(product.module.wasm, product.key))
