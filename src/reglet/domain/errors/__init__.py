"""The exceptions of the SDK: one root, families under it, each of which knows its `ErrorDetail`.

Texts, types and codes are those of the Go SDK, so that profiles and people who know one know the other.
Where there is no cause, the text ends before it.
"""

from reglet.domain.errors.base import (
    Cause,
    HostError,
    RegletError,
    error_detail,
)
from reglet.domain.errors.configuration import (
    ConfigError,
    ConfigProblemsError,
    DefinitionError,
    SchemaError,
    UnsupportedOptionError,
)
from reglet.domain.errors.execution import (
    CancelledError,
    CapabilityError,
    CheckFailed,
    ExecError,
    MissingClientError,
)
from reglet.domain.errors.network import (
    DNSError,
    HTTPError,
    NetworkError,
    TCPError,
    TimeoutError,  # noqa: A004 - our own family
)
from reglet.domain.errors.wire import (
    MemoryLimitError,
    WireFormatError,
)

__all__ = [
    "CancelledError",
    "CapabilityError",
    "Cause",
    "CheckFailed",
    "ConfigError",
    "ConfigProblemsError",
    "DNSError",
    "DefinitionError",
    "ExecError",
    "HTTPError",
    "HostError",
    "MemoryLimitError",
    "MissingClientError",
    "NetworkError",
    "RegletError",
    "SchemaError",
    "TCPError",
    "TimeoutError",
    "UnsupportedOptionError",
    "WireFormatError",
    "error_detail",
]
