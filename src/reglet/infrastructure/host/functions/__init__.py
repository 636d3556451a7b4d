"""The host functions of ABI section 1, one class each, over ports."""

from reglet.infrastructure.host.functions.answerer import Answerer
from reglet.infrastructure.host.functions.table import answerer

__all__ = ["Answerer", "answerer"]
