"""The two spellings in which hosts and plugins talk (ABI section 5)."""

from __future__ import annotations

from enum import StrEnum


class Dialect(StrEnum):
    """Who reads the record: the ABI module, or the functions that the Go host SDK registers."""

    ABI = "abi"
    HOSTLIB = "hostlib"
