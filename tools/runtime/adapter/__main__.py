"""`python -m tools.runtime.adapter`: rebuild the adapter, and its table of numeric values, in place."""

from __future__ import annotations

import os
import sys

from tools.runtime.adapter.build import MODULE, AdapterBuildError, build_adapter
from tools.runtime.adapter.numeric_values import HEADER_FILE, header, original_values
from tools.runtime.linker.read import read_library
from tools.runtime.sources import LIBRARIES, linux_extension, take_parts

PYTHON = LIBRARIES[-1].name
python = read_library(PYTHON, take_parts(linux_extension()).libraries[PYTHON])
HEADER_FILE.write_text(header(original_values(python)), encoding="utf-8")

try:
    built = build_adapter()
except AdapterBuildError as error:
    sys.exit(str(error))
beside = MODULE.with_name(f".{MODULE.name}.{os.getpid()}")
beside.write_bytes(built)
beside.replace(MODULE)
