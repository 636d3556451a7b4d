"""All that `reglet` itself offers: its own module loads this when it is first asked for one of the names."""

from reglet.application.checks.connections import run_smtp_check, run_tcp_check
from reglet.application.checks.dns import run_dns_check
from reglet.application.checks.http import run_http_check
from reglet.application.examples import Example
from reglet.application.models.decorators import field, model
from reglet.application.models.meta import (
    Deprecated,
    Description,
    Examples,
    Format,
    Ge,
    Gt,
    JSONName,
    Le,
    Lt,
    MaxLength,
    Meta,
    MinLength,
    Pattern,
    Secret,
    Title,
)
from reglet.application.operations import operation
from reglet.application.plugin import PluginDefinition, define_plugin, register
from reglet.application.results import refusals_are_answers
from reglet.domain.context import Context
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.records import (
    CommandRequest,
    CommandResult,
    HTTPRequest,
    HTTPResponse,
    MXRecord,
    SMTPConnectResult,
)
from reglet.domain.entities.result import (
    Result,
    ResultStatus,
    RunMetadata,
    result_error,
    result_failure,
    result_success,
)
from reglet.domain.errors import CheckFailed
from reglet.domain.ports import (
    CommandRunner,
    DNSResolver,
    HTTPClient,
    Plugin,
    SMTPClient,
    TCPConnection,
    TCPDialer,
    get_client,
    try_get_client,
    with_client,
)

__all__ = [
    "CheckFailed",
    "CommandRequest",
    "CommandResult",
    "CommandRunner",
    "Context",
    "DNSResolver",
    "Deprecated",
    "Description",
    "EnvironmentCapability",
    "ErrorDetail",
    "Example",
    "Examples",
    "ExecCapability",
    "FileSystemCapability",
    "FileSystemRule",
    "Format",
    "Ge",
    "GrantSet",
    "Gt",
    "HTTPClient",
    "HTTPRequest",
    "HTTPResponse",
    "JSONName",
    "KeyValueCapability",
    "KeyValueRule",
    "Le",
    "Lt",
    "MXRecord",
    "Manifest",
    "MaxLength",
    "Meta",
    "MinLength",
    "NetworkCapability",
    "NetworkRule",
    "Pattern",
    "Plugin",
    "PluginDefinition",
    "Result",
    "ResultStatus",
    "RunMetadata",
    "SMTPClient",
    "SMTPConnectResult",
    "Secret",
    "TCPConnection",
    "TCPDialer",
    "Title",
    "define_plugin",
    "field",
    "get_client",
    "model",
    "operation",
    "refusals_are_answers",
    "register",
    "result_error",
    "result_failure",
    "result_success",
    "run_dns_check",
    "run_http_check",
    "run_smtp_check",
    "run_tcp_check",
    "try_get_client",
    "with_client",
]
