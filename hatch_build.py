"""Makes the runtime that plugins are built on, when a wheel or an editable install is made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RuntimeBuildHook(BuildHookInterface[Any]):
    """Links the runtime and compiles the standard library into the package, which takes about 10 seconds."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the product. `build_data`, as hatchling gives it, gets the examples that `new` starts with."""
        del version
        if self.target_name != "wheel":
            return
        examples = Path(self.root, "examples")
        build_data["force_include"] |= {
            str(path): f"reglet/cli/templates/examples/{path.relative_to(examples).as_posix()}"
            for part in ("conftest.py", "src/**/*.py", "tests/**/*.py")
            for path in examples.glob(f"*/{part}")
        }
        sys.path[:0] = [self.root, str(Path(self.root, "src"))]
        from tools.runtime.make import is_up_to_date, make_product

        if not is_up_to_date():
            make_product(progress=self.app.display_info)
