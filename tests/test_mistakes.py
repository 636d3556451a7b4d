"""What beginners write, and what they are told: the place, the value, the fix, a status, and no frames of ours.

Each row is run as its author would run it: a module through the command line, a config against a plugin, or
a line of a test.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import reglet
from reglet import answers, testing
from reglet.cli import main
from reglet.errors import RegletError
from reglet.testing import UnexpectedCallError

_NUMBERS = itertools.count()

START = """
import reglet
from reglet import Context, HTTPClient, answers


@reglet.model
class In:
    url: str


@reglet.model
class Out:
    status: int


plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")
"""


def define(**options: str) -> str:
    """Return a module that defines a plugin with these options, as they are written."""
    given = {"name": "'p'", "version": "'1.0.0'", "description": "'d'", **options}
    written = ", ".join(f"{name}={value}" for name, value in given.items() if value)
    return f"{START}\nplugin = reglet.define_plugin({written})\n"


def granting(grants: str) -> str:
    return define(capabilities=f"reglet.GrantSet({grants})")


def on_hosts(rule: str) -> str:
    return granting(f"network=reglet.NetworkCapability([reglet.NetworkRule({rule})])")


def model(body: str, imports: str = "") -> str:
    """Return a module with a model of this body that is the input of an operation."""
    return f"""{START}
{imports}

@reglet.model
class A:
    {body}


@plugin.service("s")
class S:
    @reglet.operation()
    def check(self, request: A) -> reglet.Result:
        return reglet.result_success("ok")
"""


def service(body: str) -> str:
    """Return a module with a service of this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f'{START}\n\n@plugin.service("s")\nclass S:\n{lines}\n'


def handler(
    parameters: str, returns: str = " -> reglet.Result", body: str = "return None", before: str = ""
) -> str:
    return service(f"@reglet.operation()\n{before}def check({parameters}){returns}:\n    {body}")


def example(written: str) -> str:
    return service(
        f"@reglet.operation(examples=[{written}])\ndef check(self, request: In) -> Out:\n    return Out(200)"
    )


FORMS = "write (self), (self, ctx: Context), (self, request: Input) or"

MODULES: dict[str, tuple[str, str]] = {
    # Names
    "a name of another case": ("from reglet import HttpClient", 'did you mean "HTTPClient"?'),
    "the beginning of a name": ("from reglet import Http", "there are HTTPClient, HTTPRequest, HTTPResponse"),
    "a name of another face": ("from reglet import FakeHTTPClient", '"FakeHTTPClient" of reglet.testing?'),
    "a name of the errors": ("from reglet import NetworkError", '"NetworkError" of reglet.errors?'),
    "an attribute": (
        "import reglet\n@reglet.modl\nclass A: ...",
        "no attribute 'modl'; did you mean \"model\"?",
    ),
    "a module that is none": (
        "from reglet.models import model",
        "'reglet.models'; what plugins import is in",
    ),
    "a package with a port": ("import nosuchrequests", "No module named 'nosuchrequests'"),
    "a name of the log": ("from reglet.log import redirect", 'did you mean "redirect_logging"?'),
    "a name that is not there": (model("a: Strng"), "name 'Strng' is not defined"),
    "an end at import": ("import sys\nsys.exit(4)", "it ends the program with exit status 4"),
    # The plugin
    "no plugin": ("import reglet", "has no plugin at its top level: write plugin = reglet.define_plugin(…)"),
    "two plugins": (
        define() + "other = reglet.define_plugin(name='b', description='d')",
        "several plugins: plugin, other; say which",
    ),
    "arguments without names": (
        "import reglet\nplugin = reglet.define_plugin('p', 'd')",
        "write define_plugin(name=…, description=…)",
    ),
    "no name": (define(name=""), "'name'; write define_plugin(name=…, description=…)"),
    "an option's name": (define(capability="None"), "'capability'; did you mean \"capabilities\"?"),
    "a name with a space": (
        define(name="'my plugin'"),
        "plugin name 'my plugin': begin with a letter or digit",
    ),
    "a version in words": (define(version="'one'"), "version 'one': write it like \"1.2.3\""),
    "a version as a number": (define(version="1.0"), 'version 1.0: write it like "1.2.3"'),
    "no description": (define(description="None"), "plugin p: description is None; write a string"),
    "capabilities as a dict": (
        define(capabilities="{}"),
        "plugin p: capabilities is a dict; write reglet.GrantSet(…)",
    ),
    "a config that is no model": (
        define(config="dict"),
        "dict is no model: decorate the class with @reglet.model",
    ),
    "a config model without a field": (
        define(config="Out")
        + service("@reglet.operation()\ndef check(self, request: In) -> Out: ...").partition(START)[2],
        "returns nothing: its body is empty",
    ),
    # Capabilities
    "a kind of capability": (granting("netwrk=None"), "'netwrk'; did you mean \"network\"?"),
    "a list for a capability": (
        granting("network=['a']"),
        "network is ['a']; write network=reglet.NetworkCapability(rules=[…])",
    ),
    "a string for rules": (
        granting("network=reglet.NetworkCapability(['a.test:443'])"),
        "not 'a.test:443'; write rules=[reglet.NetworkRule(hosts=…, ports=…)]",
    ),
    "a rule for rules": (
        granting("network=reglet.NetworkCapability(reglet.NetworkRule())"),
        "write rules=[reglet.NetworkRule(",
    ),
    "a string for hosts": (
        on_hosts("hosts='a.test', ports=['443']"),
        "hosts is a list of strings, not 'a.test'; write hosts=[\"a.test\"]",
    ),
    "a number for a port": (
        on_hosts("hosts=['a.test'], ports=[443]"),
        'ports is a list of strings, not 443; write ports=["443"]',
    ),
    "a URL for a host": (
        on_hosts("hosts=['https://a.test'], ports=['443']"),
        "host 'https://a.test' is neither a name nor an address",
    ),
    "a port in a host": (on_hosts("hosts=['a.test:443'], ports=['443']"), "without scheme, port and path"),
    "a service for a port": (
        on_hosts("hosts=['a.test'], ports=['https']"),
        'a port is "443", "8000-9000" or "*"',
    ),
    "host for hosts": (on_hosts("host=['a.test']"), "'host'; did you mean \"hosts\"?"),
    "a home": (
        granting("fs=reglet.FileSystemCapability([reglet.FileSystemRule(read=['~/x'])])"),
        "pattern '~/x' cannot be read: no host reads ~ in a path; write the whole path",
    ),
    "a path by way of another": (
        granting("fs=reglet.FileSystemCapability([reglet.FileSystemRule(read=['/etc/x/../hosts'])])"),
        'a path that is judged has no empty parts, . and ..; write "/etc/hosts"',
    ),
    "a slash behind a folder": (
        granting("fs=reglet.FileSystemCapability([reglet.FileSystemRule(read=['/etc/ssh/'])])"),
        'a path that is judged has no empty parts, . and ..; write "/etc/ssh"',
    ),
    "a path without a name": (
        granting("fs=reglet.FileSystemCapability([reglet.FileSystemRule(read=[''])])"),
        "a path that is judged has no empty parts, . and ..; write the whole path",
    ),
    "a bracket in a path": (
        granting("fs=reglet.FileSystemCapability([reglet.FileSystemRule(read=['/a/[b'])])"),
        "pattern '/a/[b' cannot be read: a [ is never closed; write \\[",
    ),
    "a string for commands": (
        granting("exec=reglet.ExecCapability('ls')"),
        "not 'ls'; write commands=[\"ls\"]",
    ),
    "a string for variables": (
        granting("env=reglet.EnvironmentCapability('HOME')"),
        "not 'HOME'; write vars=[\"HOME\"]",
    ),
    "an operation on keys": (
        granting("kv=reglet.KeyValueCapability([reglet.KeyValueRule(['a'], op='delete')])"),
        "op is 'delete'; there are 'read', 'write', 'read-write'",
    ),
    # Models
    "no annotation": (model("a = 1"), "model A: a = 1 has no annotation; write a: int = 1"),
    "a default that can change": (
        model("a: list[str] = []"),
        "field a = []: every model would share it; write reglet.field(factory=list)",
    ),
    "a field's default that can change": (
        model("a: dict[str, str] = reglet.field(default={})"),
        "write reglet.field(factory=dict)",
    ),
    "a default without its name": (model("a: int = reglet.field(10)"), "field(10): write field(default=10)"),
    "default and factory": (
        model("a: int = reglet.field(default=1, factory=int)"),
        "field(default=1, factory=int): give one of the two",
    ),
    "required after a default": (
        model("a: int = 1\n    b: str"),
        "field b has no default and follows a, which has one; move b",
    ),
    "a base that is no model": (
        "import reglet\nclass B:\n    a: int\n@reglet.model\nclass A(B):\n    b: int",
        "decorate B with @reglet.model",
    ),
    "a limit's name elsewhere": (
        model("a: int = reglet.field(minimum=10)"),
        "field a: there is no minimum=10; write ge",
    ),
    "a typo in an option": (
        model("a: int = reglet.field(descripton='x')"),
        "there is no descripton='x'; did you mean \"description\"?",
    ),
    "a limit as a string": (
        model("a: int = reglet.field(ge='1')"),
        "A.a: ge='1' is no number that it can have; write one",
    ),
    "a description that is none": (
        model("a: int = reglet.field(description=5)"),
        "A.a: its description is 5; write a string",
    ),
    "a limit that does not apply": (
        model("a: int = reglet.field(pattern='x')"),
        "pattern cannot be said of int; it takes ge, le, gt, lt",
    ),
    "limits without room": (
        model("a: int = reglet.field(ge=10, le=5)"),
        "A.a: its bounds leave no room: nothing lies between 10 and 5",
    ),
    "a format": (
        model("a: str = reglet.field(format='url')"),
        "A.a: format 'url' is not known; there are date, date-time",
    ),
    "a pattern": (
        model("a: str = reglet.field(pattern='(?=x)')"),
        "A.a: pattern '(?=x)': Python, Go (RE2) and ECMAScript",
    ),
    "a default of another type": (
        model("a: int = 'x'"),
        "A.a: its default 'x' does not fit: must be an integer, not \"x\"",
    ),
    "a default beyond the limits": (
        model("a: int = reglet.field(default=5, ge=10)"),
        "A.a: its default 5 does not fit: must be at least 10",
    ),
    "examples as a string": (
        model("a: str = reglet.field(examples='x')"),
        "A.a: its examples are a string; write examples=['x']",
    ),
    "a union": (
        model("a: int | str"),
        "A.a: it is a union, int | str; hosts read fields of one type: write one, or Any",
    ),
    "a set": (model("a: set[str]"), "A.a: its type set[str] has no JSON Schema here; write list[…]"),
    "a path": (
        model("a: Path", "from pathlib import Path"),
        "A.a: its type Path has no JSON Schema here; write str",
    ),
    "a date": (
        model("a: date", "from datetime import date"),
        'its type date has no JSON Schema here; write str with format="date"',
    ),
    "a list without items": (model("a: list"), "A.a: write list[X], so that the items have a type"),
    "keys that are numbers": (model("a: dict[int, str]"), "A.a: the keys of dict[int, str] must be str"),
    "a dataclass inside": (
        model("a: D", "from dataclasses import dataclass\n@dataclass\nclass D:\n    x: int"),
        "decorate D with @reglet.model if it is yours",
    ),
    "a model inside itself": (model("a: 'A | None' = None"), "it contains itself"),
    "a field that hosts need": (
        model("service: str"),
        "A.service: hosts use 'service' to choose the operation",
    ),
    "one name twice in JSON": (
        model("a: str = reglet.field(json_name='b')\n    b: str = ''"),
        "two fields are called 'b' in JSON",
    ),
    "brackets behind model": (
        START + "@reglet.model()\nclass A:\n    a: int",
        "write @reglet.model, without brackets, above a class",
    ),
    "model above a function": (
        START + "@reglet.model\ndef f(): ...",
        "stands above f, which is no class; write @reglet.model",
    ),
    "a typo in a field at a call": (START + "In(ulr='x')", "'ulr'; did you mean \"url\"?"),
    "a field too many at a call": (START + "In('x', 1)", "write In(url=…)"),
    # Operations
    "operation without brackets": (
        handler("self").replace("operation()", "operation"),
        "@reglet.operation was given S.check; write @reglet.operation()",
    ),
    "a typo in operation": (
        handler("self").replace("operation()", "operation(descripton='d')"),
        'did you mean "description"?',
    ),
    "operation above a function": (
        START + "@reglet.operation()\ndef check(): ...",
        "the function check; put it on a method of a class with @plugin.service",
    ),
    "operation above a static method": (
        handler("", before="@staticmethod\n"),
        "above a staticmethod; put it on a plain method",
    ),
    "async": (
        handler("self", before="async "),
        "operation S.check is async; hosts call and wait, so write `def`",
    ),
    "a generator": (
        handler("self", body="yield 1"),
        "operation S.check is a generator; return its output instead of yielding",
    ),
    "*args": (handler("self, *args"), f"operation S.check takes *args; {FORMS}"),
    "**kwargs": (handler("self, **kwargs"), f"operation S.check takes **kwargs; {FORMS}"),
    "no self": (handler("ctx: Context"), f"operation S.check has no self; {FORMS}"),
    "another order": (
        handler("self, request: In, ctx: Context"),
        f"operation S.check takes (request, ctx); {FORMS}",
    ),
    "no annotation of a parameter": (
        handler("self, request"),
        f"parameter request has no annotation; {FORMS}",
    ),
    "a dict as input": (
        handler("self, config: dict"),
        "parameter config is of type dict, neither Context nor a model: write a class with @reglet.model",
    ),
    "a port among the positions": (
        handler("self, http: HTTPClient"),
        "a port is keyword-only: write *, http: HTTPClient",
    ),
    "a model among the ports": (
        handler("self, *, request: In"),
        "port request is the model In; an input stands before the *",
    ),
    "no return annotation": (
        handler("self", returns=""),
        "operation S.check does not say what it returns; write -> Output or -> reglet.Result",
    ),
    "a dict as output": (
        handler("self", returns=" -> dict"),
        "operation S.check returns dict; write a model of yours, reglet.Result, or one of the two; a model is",
    ),
    "an empty body": (
        handler("self", returns=" -> Out", body="..."),
        "operation S.check returns nothing: its body is empty",
    ),
    "one method twice": (
        service("@reglet.operation()\ndef a(self): ...\n@reglet.operation()\ndef a(self): ..."),
        "operation S.a is defined twice",
    ),
    "one operation twice": (
        service(
            "@reglet.operation(name='x')\ndef a(self) -> Out: return Out(1)\n@reglet.operation(name='x')\ndef b(self) -> Out: return Out(1)"
        ),
        'service S: two operations are called "x"; give one another name',
    ),
    # Services
    "service without brackets": (
        START + "@plugin.service\nclass S: ...",
        "plugin p: service takes a name first, not <class",
    ),
    "a typo in service": (
        START + "@plugin.service('s', descripton='d')\nclass S: ...",
        'did you mean "description"?',
    ),
    "a service without operations": (
        service("def check(self): ..."),
        "service S has no operations; put @reglet.operation(…)",
    ),
    "a service with arguments": (
        service("def __init__(self, url): ..."),
        "service S is made once, without arguments, and that fails",
    ),
    "one service twice": (
        handler("self") + handler("self").partition(START)[2],
        'plugin p: two services are called "s"; give one another name',
    ),
    "one field of two types": (
        model("url: int")
        + "\n    @reglet.operation()\n    def other(self, request: In) -> Out:\n        return Out(1)\n",
        'field "url" has one type in s.check and another in s.other',
    ),
    # Examples
    "an example that is none": (example("'x'"), "examples has 'x'; write reglet.Example(name, input, …)"),
    "an example without a list": (
        example("reglet.Example('a', In('u'), expected_error='x')")
        .replace("=[reglet", "=reglet")
        .replace("'x')]", "'x')"),
        "examples is the example 'a'; write examples=[…]",
    ),
    "an example without a name": (
        example("reglet.Example(In('u'), expected_error='x')"),
        "'input'; write Example(name=…, input=…)",
    ),
    "an example's input as a dict": (
        example("reglet.Example('a', {'url': 'u'}, expected_error='x')"),
        "the input of example 'a' is of type dict; write In(…)",
    ),
    "an example of another output": (
        example("reglet.Example('a', In('u'), expected_output=In('u'))"),
        "the output of example 'a' is of type In; write Out(…)",
    ),
    "a string for a number": (
        example("reglet.Example('a', In('u'), expected_output=Out('200'))"),
        "does not fit: field status is str, not int",
    ),
    "output for expected_output": (
        example("reglet.Example('a', In('u'), output=Out(1))"),
        "'output'; it takes name, input, expected_output",
    ),
    "an output and an error": (
        example("reglet.Example('a', In('u'), expected_output=Out(1), expected_error='x')"),
        "give one of the two",
    ),
    "one example twice": (
        example("*[reglet.Example('a', In('u'), expected_error='x')] * 2"),
        "two examples are called 'a'; give one another name",
    ),
    "an answer without a list": (
        example("reglet.Example('a', In('u'), expected_error='x', answers=answers.http())"),
        "write answers=[…] of reglet.answers",
    ),
    "an error that is none": (
        example("reglet.Example('a', In('u'), expected_error='x', answers=[answers.http(error=5)])"),
        "error=5: write a failure by name",
    ),
}
"""By what is wrong: a module, and what its author must be told."""


@pytest.mark.parametrize(("source", "told"), MODULES.values(), ids=MODULES)
def test_a_module_with_a_mistake(
    source: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """It is said once, on the last line, below the author's own lines; the status is that of a call that cannot be."""
    path = tmp_path / f"mistaken_{next(_NUMBERS)}.py"
    path.write_text(source)
    monkeypatch.chdir(tmp_path)
    assert main(["manifest", path.name]) == 3
    shown = capsys.readouterr().err
    *_, last = shown.splitlines()
    assert told in last
    assert last.startswith("reglet-plugin: ")
    assert "/reglet/" not in shown
    assert shown.count(told) == 1


PLUGIN = """
import os

import reglet
from reglet import HTTPClient


@reglet.model
class TLS:
    verify: bool = True


@reglet.model
class In:
    url: str
    port: int = reglet.field(default=443, ge=1, le=65535)
    mode: reglet.ResultStatus = reglet.ResultStatus.SUCCESS
    tls: TLS = TLS()
    token: str = reglet.field(default="", secret=True)


@reglet.model
class Out:
    status: int


plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")


@plugin.service("web")
class Web:
    @reglet.operation()
    def page(self, request: In, *, http: HTTPClient) -> Out:
        match request.url:
            case "none":
                return None
            case "dict":
                return {"status": 1}
            case "string":
                return Out("200")
            case "typo":
                return Out(request.prot)
            case "stranger":
                return Out(reglet.HTTPResponse(200).text)
            case "argument":
                return Out(staus=200)
            case "no argument":
                return Out(code=200)
            case "variable":
                return Out(len(os.environ["MISTAKEN_TOKEN"]))
            case "change":
                request.url = "x"
            case "list":
                return reglet.result_success("ok", [1])
            case "failed":
                raise reglet.CheckFailed("no", "because")
            case "raise":
                raise ValueError(f"of {request.token}")
            case "denied":
                http.get("https://a.test/")
            case "exit":
                raise SystemExit(3)
            case "debug":
                print("request", request)
        return Out(1)

    @reglet.operation()
    def other(self) -> Out:
        return Out(1)
"""

CONFIGS: dict[str, tuple[object, str]] = {
    "a field that is missing": ({}, "$.url: is required: a string"),
    "null for a field": ({"url": None}, "$.url: is required: a string, not null"),
    "a number for a string": ({"url": 5}, "$.url: must be a string, not 5"),
    "a word for a number": ({"url": "u", "port": "no"}, '$.port: must be an integer, not "no"'),
    "a number too large": ({"url": "u", "port": 70000}, "$.port: must be at most 65535, not 70000"),
    "a value that is none": (
        {"url": "u", "mode": "sucess"},
        '$.mode: must be one of "success", "failure", "error"',
    ),
    "a word for a boolean": (
        {"url": "u", "tls": {"verify": "yes"}},
        '$.tls.verify: must be true or false, not "yes"',
    ),
    "a secret of another type": (
        {"url": "u", "token": 5},
        "$.token: must be a string, not a number (secret)",
    ),
    "an operation": (
        {"operation": "pgae", "url": "u"},
        'there is no operation "pgae"; there are "page", "other"; did you mean "page"?',
    ),
    "a service": (
        {"service": "wbe", "url": "u"},
        'there is no service "wbe"; there are "web"; did you mean "web"?',
    ),
    "no operation": ({"operation": None, "url": "u"}, '$.operation: is required: one of "page", "other"'),
    "nothing returned": (
        {"url": "none"},
        "operation web.page must return Out or a reglet.Result, not None: is a return missing?",
    ),
    "a dict returned": ({"url": "dict"}, "operation web.page must return Out or a reglet.Result, not dict"),
    "a string for a number returned": (
        {"url": "string"},
        "operation web.page returned Out whose field status is str, not int",
    ),
    "a typo in a field that is read": (
        {"url": "typo"},
        "'In' object has no attribute 'prot'; did you mean \"port\"?",
    ),
    "a field that nothing has": (
        {"url": "stranger"},
        "'HTTPResponse' object has no attribute 'text'; it has body, header, headers, ",
    ),
    "a typo in a field that is given": (
        {"url": "argument"},
        "unexpected keyword argument 'staus'; did you mean \"status\"?",
    ),
    "a field that is given and no model has": (
        {"url": "no argument"},
        "unexpected keyword argument 'code'; it takes status",
    ),
    "a variable that is not there": (
        {"url": "variable"},
        "KeyError: 'MISTAKEN_TOKEN'; the variable is not set, or not granted: declare it in the plugin's env",
    ),
    "a field that is set": ({"url": "change"}, "a model does not change; make another with attrs.evolve(…)"),
    "data that is a list": (
        {"url": "list"},
        'operation web.page gave the data [1]: data is an object, so give it a name: {"found": …}',
    ),
    "data that is a string": (
        {"url": "failed"},
        "CheckFailed('no') gave the data 'because': data is an object",
    ),
    "a bug": ({"url": "raise", "token": "hunter2"}, "ValueError: of ***"),
    "a host that is not declared": (
        {"url": "denied"},
        'add {"hosts": ["a.test"], "ports": ["443"]} to network.rules',
    ),
    "an end of the program": ({"url": "exit"}, "SystemExit: 3"),
}
"""By what is wrong: a config, and what the Result says."""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return what runs a command on the plugin above and gives its status and what it prints."""
    (tmp_path / "mistaken_checks.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    for name, value in FILES.items():
        (tmp_path / name).write_text(value)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(
            [str(tmp_path / "mistaken_checks.py") if each == "PLUGIN" else each for each in arguments]
        )
        streams = capsys.readouterr()
        return status, streams.out, streams.err

    return run


@pytest.mark.parametrize(("config", "told"), CONFIGS.values(), ids=CONFIGS)
def test_a_check_with_a_mistake(config: dict[str, Any], told: str, run: Callable[..., tuple[int, str, str]]):
    """The Result is an error with status 2; of a traceback the author's lines are shown, and no secret."""
    status, out, err = run("run", "PLUGIN", "--config", json.dumps({"operation": "page", **config}))
    assert (status, told in out) == (2, True), out
    assert "/reglet/" not in out + err
    assert "hunter2" not in out + err


def test_what_is_printed_to_find_a_bug_is_no_result(run: Callable[..., tuple[int, str, str]]):
    """It goes to stderr, without secrets; stdout has the Result alone."""
    config = json.dumps({"operation": "page", "url": "debug", "token": "hunter2"})
    status, out, err = run("run", "PLUGIN", "--config", config, "--json")
    assert (status, json.loads(out)["status"]) == (0, "success")
    assert "request In(url='debug'" in err
    assert "hunter2" not in err


def test_a_typo_in_a_config_is_a_warning(run: Callable[..., tuple[int, str, str]]):
    """The check goes on, as on a host."""
    status, _, err = run("run", "PLUGIN", "--config", '{"operation": "page", "url": "u", "prot": 1}')
    assert status == 0
    assert "no field 'prot' in its config; did you mean 'port'?" in err


FILES = {
    "broken.json": '{"url": "u"',
    "ports.json": '{"network": {"rules": [{"hosts": ["a.test"], "ports": [443]}]}}',
    "kind.json": '{"netwrk": {"rules": []}}',
    "rule.json": '{"network": {"rules": [{"host": ["a.test"], "ports": ["443"]}]}}',
    "url.json": '{"network": {"rules": [{"hosts": ["https://a.test"], "ports": ["443"]}]}}',
    "list.json": '["network"]',
    "page.json": "{}",
}

CONFIG = ("--config", '{"operation": "other"}')

CALLS: dict[str, tuple[tuple[str, ...], str]] = {
    "a command": (("rn", "PLUGIN"), "No such command 'rn'. Did you mean 'run'?"),
    "an option": (("run", "PLUGIN", "--confg", "x"), "No such option '--confg'"),
    "a file that is not there": (("run", "nosuch.py"), "nosuch.py does not exist"),
    "a module that is not there": (("run", "nosuch"), "there is no module nosuch"),
    "an attribute that is not there": (
        ("run", "mistaken_checks:plugn"),
        "mistaken_checks:plugn does not exist",
    ),
    "a module that is not built": (("run", "nosuch.wasm"), "build it with `reglet-plugin build"),
    "a config without an at sign": (
        ("run", "PLUGIN", "--config", "page.json"),
        "did you mean --config @page.json?",
    ),
    "a config that is not there": (
        ("run", "PLUGIN", "--config", "@nosuch.json"),
        "--config @nosuch.json: No such file",
    ),
    "a config that is broken": (("run", "PLUGIN", "--config", "@broken.json"), "line 1 column 12"),
    "a config that is a list": (
        ("run", "PLUGIN", "--config", "[1]"),
        "--config must be a JSON object such as",
    ),
    "grants that are none": (
        ("run", "PLUGIN", *CONFIG, "--grants", "all"),
        "--grants all: use ask, declared, none or @FILE",
    ),
    "a number in grants": (
        ("run", "PLUGIN", *CONFIG, "--grants", "@ports.json"),
        'rules[0].ports has the number 443: write a string, ["443"]',
    ),
    "a kind in grants": (
        ("run", "PLUGIN", *CONFIG, "--grants", "@kind.json"),
        "there is no 'netwrk' in a grant set; use network",
    ),
    "a key in grants": (
        ("run", "PLUGIN", *CONFIG, "--grants", "@rule.json"),
        "there is no 'host' in a rule of network; use hosts, ports",
    ),
    "a URL in grants": (
        ("run", "PLUGIN", *CONFIG, "--grants", "@url.json"),
        'has the URL https://a.test: write its host alone, ["a.test"]',
    ),
    "grants that are a list": (
        ("run", "PLUGIN", *CONFIG, "--grants", "@list.json"),
        "expected an object, not ['network']",
    ),
    "an example": (("run", "PLUGIN", "--example", "first"), "--example first: no example has this name"),
    "tests of a file": (("test", "PLUGIN"), "is one file, and tests belong to a project"),
    "tests of no project": (("test", "."), "it has no pyproject.toml"),
    "a format": (("lint", "PLUGIN", "--format", "xml"), "'xml' is not one of 'table', 'json'"),
    "a folder that is not there": (
        ("build", "PLUGIN", "-o", "nosuch/p.wasm"),
        "choose another place with -o",
    ),
}
"""By what is wrong: a call of the command line, and its last line."""


@pytest.mark.parametrize(("arguments", "told"), CALLS.values(), ids=CALLS)
def test_a_call_with_a_mistake(
    arguments: tuple[str, ...], told: str, run: Callable[..., tuple[int, str, str]]
):
    """One line below the usage, if there is one, and status 3."""
    status, out, err = run(*arguments)
    assert (status, out) == (3, "")
    assert told in err.splitlines()[-1]
    assert "Traceback" not in err


definition = reglet.define_plugin(name="tested", version="1.0.0", description="d")


@reglet.model
class Input:
    url: str = "https://a.test/"


@definition.service("pages")
class Pages:
    @reglet.operation()
    def page(self, request: Input, *, http: reglet.HTTPClient) -> reglet.Result:
        return reglet.result_success("ok", {"status": http.get(request.url).status_code})


def granted(*given: Any) -> reglet.Context:
    everything = reglet.GrantSet(
        network=reglet.NetworkCapability([reglet.NetworkRule(["*"], ["*"])]),
        exec=reglet.ExecCapability(["**"]),
    )
    return testing.FakeHost(*given, grants=everything).context()


def routed(fake: Any, **options: Any) -> Any:
    fake.on("https://a.test/", **options).respond(200)
    return fake


TESTS: dict[str, tuple[Callable[[], object], str]] = {
    "an answer of another port": (
        lambda: testing.FakeHTTPClient(answers.dns("h")),
        "FakeHTTPClient takes answers.http(…), not DNSAnswer",
    ),
    "a status as a string": (
        lambda: testing.FakeHTTPClient().on("*").respond("200"),
        "status_code is '200'; write a number",
    ),
    "a failure as a string": (
        lambda: testing.FakeHTTPClient().on("*").fail("timeout"),
        "fail('timeout'): write refused(), timeout()",
    ),
    "a route without an answer": (
        lambda: [fake := testing.FakeHTTPClient(), fake.on("*"), fake.get("https://a.test/")],
        "has no answer: give it one with respond() or fail()",
    ),
    "no route": (lambda: testing.FakeHTTPClient().get("https://a.test/"), "add one with on(...)"),
    "a number as an address": (
        lambda: testing.FakeHTTPClient().on(8080),
        "url is 8080; write a string, in which * stands for any text",
    ),
    "a latency as a number": (
        lambda: testing.FakeHTTPClient().on("*").respond(latency=3),
        "latency is 3; write timedelta(seconds=3)",
    ),
    "a timeout as a number": (lambda: testing.timeout(3), "after is 3; write timedelta(seconds=3)"),
    "a number of calls as a string": (
        lambda: testing.FakeHTTPClient().on("*").respond().times("2"),
        "times('2'): write how many calls the route answers",
    ),
    "records in a list": (
        lambda: testing.FakeDNSResolver().on("a.test").respond(["192.0.2.1"]),
        "a record is ['192.0.2.1']; write respond(\"192.0.2.1\", …), one by one",
    ),
    "a dialect that is none": (
        lambda: testing.FakeHost(dialect="go"),
        "FakeHost: dialect is 'go'; there are abi, hostlib, app, older",
    ),
    "a route that nearly fits": (
        lambda: routed(testing.FakeHTTPClient()).get("https://a.test/x"),
        "url: expected 'https://a.test/', got 'https://a.test/x'",
    ),
    "a route of another method": (
        lambda: routed(testing.FakeHTTPClient(), method="POST").get("https://a.test/"),
        "method: expected 'POST', got 'GET'",
    ),
    "arguments as a string": (
        lambda: testing.FakeCommandRunner().on("ls", "-l -a"),
        "args is a list, not the string '-l -a'; write ['-l', '-a']",
    ),
    "answers of a host in a list": (
        lambda: testing.FakeHost([answers.http("https://a.test/")]),
        "FakeHost takes answers such as answers.http(…), not [HTTPAnswer",
    ),
    "grants as a dict": (
        lambda: testing.FakeHost(grants={}),
        "FakeHost: grants is {}; write reglet.GrantSet(…)",
    ),
    "a time without a zone": (
        lambda: testing.FakeHost(now=datetime.fromisoformat("2026-01-01")),
        "has no time zone; write datetime(…, tzinfo=UTC)",
    ),
    "a config as a string": (
        lambda: testing.FakeHost().check(definition, "u"),
        "the config is 'u'; write a dict such as",
    ),
    "a config as a model": (lambda: testing.FakeHost().check(definition, Input("u")), "write a dict such as"),
    "a config for a plugin": (
        lambda: testing.FakeHost().check({}, definition),
        "{} is no plugin; give what define_plugin(…) returned",
    ),
    "a service for a plugin": (
        lambda: testing.run_plugin_tests(Pages, []),
        "is no plugin; give what define_plugin(…) returned",
    ),
    "a case without a list": (
        lambda: testing.run_plugin_tests(definition, testing.TestCase("a")),
        "cases is one TestCase; write cases=[…]",
    ),
    "a client without a list": (
        lambda: testing.run_plugin_tests(definition, [], clients=testing.FakeHTTPClient()),
        "clients is one FakeHTTPClient; write clients=[…]",
    ),
    "a status that is none": (
        lambda: testing.TestCase("a", expect_status="ok"),
        "case 'a': expect_status is 'ok'; there are success, failure, error",
    ),
    "no client": (
        lambda: testing.run_plugin_tests(definition, [testing.TestCase("a", expect_status="success")]),
        "no client for HTTPClient in this context (bound: none); add one with with_client",
    ),
    "a question for an assertion": (
        lambda: testing.run_plugin_tests(
            definition,
            [testing.TestCase("a", validate=lambda result: result.is_failure)],
            clients=[testing.FakeHTTPClient(answers.http())],
        ),
        "<lambda> returned False",
    ),
    "a dict for a Result": (
        lambda: testing.assert_success({"status": "success"}),
        "is no Result; give what a check returned",
    ),
    "a field that is missing": (
        lambda: testing.assert_data_field(reglet.result_success("ok", {"a": 1}), "b", 1),
        'missing data field "b"',
    ),
    "a client of another port": (
        lambda: reglet.Context().with_client(reglet.HTTPClient, testing.FakeDNSResolver()),
        "a FakeDNSResolver is no HTTPClient: it has no do, get, post",
    ),
    "a class for a client": (
        lambda: reglet.Context().with_client(reglet.HTTPClient, testing.FakeHTTPClient),
        "the class FakeHTTPClient is no HTTPClient; write FakeHTTPClient(…)",
    ),
    "seconds for a timeout of HTTP": (
        lambda: reglet.HTTPRequest("GET", "u", timeout=5),
        "timeout is 5; write timeout=timedelta(seconds=5)",
    ),
    "a string for a body": (
        lambda: granted(answers.http()).client(reglet.HTTPClient).post("u", "text/plain", "x"),
        "must be bytes; write .encode() behind it",
    ),
    "a dict for a body": (
        lambda: granted(answers.http()).client(reglet.HTTPClient).post("u", "a/b", {}),
        "write json.dumps(…).encode()",
    ),
    "a URL without a scheme": (
        lambda: granted(answers.http()).client(reglet.HTTPClient).get("a.test"),
        "http GET a.test failed: scheme '' is not http or https; write https:// before it",
    ),
    "seconds for a timeout of TCP": (
        lambda: granted(answers.tcp()).client(reglet.TCPDialer).dial_with_timeout("a.test:1", 5),
        "write timedelta(seconds=5)",
    ),
    "an address without a port": (
        lambda: granted(answers.tcp()).client(reglet.TCPDialer).dial("a.test"),
        "expected host:port with a port",
    ),
    "a fake's timeout": (
        lambda: testing.FakeSMTPClient(answers.smtp()).connect("h", 25, 5, use_tls=False, use_starttls=False),
        "its timeout is 5; write timedelta(seconds=5)",
    ),
    "a string for a command": (
        lambda: granted(answers.command()).client(reglet.CommandRunner).run("ls -l"),
        "write run(reglet.CommandRequest(command, [argument, …]))",
    ),
    "a string for arguments": (
        lambda: reglet.CommandRequest("ls", "-l -a"),
        "args is a list, not the string '-l -a'; write args=['-l', '-a']",
    ),
    "a client that is not there": (
        lambda: reglet.Context().client(reglet.DNSResolver),
        "no client for DNSResolver in this context",
    ),
}
"""By what is wrong: a line of a test or of a handler, and the message of its error."""


@pytest.mark.parametrize(("line", "told"), TESTS.values(), ids=TESTS)
def test_a_line_of_a_test_with_a_mistake(line: Callable[[], object], told: str):
    """The error says what to write, where Python alone would say what is not iterable."""
    with pytest.raises((TypeError, ValueError, AssertionError, RegletError, UnexpectedCallError)) as caught:
        line()
    assert told in str(caught.value)
