"""`python -m tools.runtime.adapter`: rebuild the adapter in place."""

from __future__ import annotations

import os
import sys

from tools.runtime.adapter.build import MODULE, AdapterBuildError, build_adapter

try:
    built = build_adapter()
except AdapterBuildError as error:
    sys.exit(str(error))
beside = MODULE.with_name(f".{MODULE.name}.{os.getpid()}")
beside.write_bytes(built)
beside.replace(MODULE)
