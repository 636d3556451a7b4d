"""The values that everything else speaks in, and the names for what JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JSONValue: TypeAlias = Any
"""None, bool, int, float, str, a list of JSON values or a mapping from str to JSON values."""

JSONObject: TypeAlias = Mapping[str, Any]
"""A JSON object: its keys are strings, its values are JSON values."""
