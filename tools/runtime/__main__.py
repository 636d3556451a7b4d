"""`python -m tools.runtime`: make the product in place."""

from __future__ import annotations

import sys

from reglet.domain.errors import RegletError
from tools.runtime.make import make_product

try:
    make_product(progress=lambda line: print(line, file=sys.stderr))
except RegletError as error:
    sys.exit(str(error))
