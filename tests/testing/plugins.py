"""A plugin for the kit's own tests."""

from __future__ import annotations

from reglet.application import examples
from reglet.application.examples import Example
from reglet.application.models.decorators import field, model
from reglet.application.operations import operation
from reglet.application.plugin import PluginDefinition, define_plugin
from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.errors import CheckFailed
from reglet.domain.ports import HTTPClient


@model
class FetchInput:
    """What to fetch."""

    url: str = field(description="URL to request")
    token: str = field(default="", secret=True)


@model
class FetchOutput:
    """What came."""

    status_code: int
    body: str


OK = Example(
    "ok",
    FetchInput("https://a.test/"),
    expected_output=FetchOutput(200, "hello"),
    answers=[examples.http("https://a.test/", body="hello")],
)
REFUSED = Example(
    "refused",
    FetchInput("https://b.test/"),
    expected_error="connection refused",
    answers=[examples.http("https://b.test/", error="refused")],
)


def fetching(*examples: Example[FetchInput, FetchOutput]) -> PluginDefinition:
    """Return a plugin with one operation, which may reach `*.test` on port 443."""
    rule = NetworkRule(hosts=["*.test"], ports=["443"])
    plugin = define_plugin(
        name="fetch",
        version="1.0.0",
        description="Fetches a page",
        capabilities=GrantSet(network=NetworkCapability(rules=[rule])),
    )

    @plugin.service("web", description="Pages")
    class Web:
        @operation(description="Fetch a page", examples=examples)
        def fetch(self, ctx: Context, request: FetchInput) -> FetchOutput:
            response = ctx.client(HTTPClient).get(request.url)
            if response.status_code >= 500:
                raise CheckFailed("the server is ill", {"status_code": response.status_code})
            return FetchOutput(response.status_code, response.body.decode())

    return plugin
