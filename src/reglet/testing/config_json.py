"""Configs as hosts send them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def encode_config(config: Mapping[str, Any] | bytes | None) -> bytes:
    """Return a config as the JSON that a host sends: sorted keys, no spaces.

    Bytes stay as they are; None is no config, and so no bytes.

    Raises `TypeError` or `ValueError` for what is no JSON.
    """
    if config is None:
        return b""
    if isinstance(config, bytes):
        return config
    return json.dumps(dict(config), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
