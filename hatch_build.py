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
        """Make the product. `version` and `build_data` are as hatchling gives them and stay as they are."""
        del version, build_data
        if self.target_name != "wheel":
            return
        sys.path[:0] = [self.root, str(Path(self.root, "src"))]
        from tools.runtime.make import is_up_to_date, make_product

        if not is_up_to_date():
            make_product(progress=self.app.display_info)
