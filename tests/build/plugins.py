"""Sources of small plugins."""

PLUGIN = """\
import reglet
from reglet import Context

plugin = reglet.define_plugin(name="tiny", version="1.0.0", description="Says what it was told")


@reglet.model
class Input:
    url: str
    status: int = 200


@reglet.model
class Output:
    url: str
    status: int


@plugin.service("echo")
class Echo:
    @reglet.operation(description="Say it again")
    def check(self, ctx: Context, request: Input) -> Output:
        return Output(request.url, request.status)
"""
