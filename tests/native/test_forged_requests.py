"""Tricks that make a host ask where it should not: in URLs, in redirects, in DNS. All are refused."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from __future__ import annotations

import pytest

from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.records import HTTPRequest
from reglet.domain.errors import CapabilityError, HTTPError, RegletError
from reglet.domain.policy import Policy, PolicyGuard
from reglet.infrastructure.native.dns import NativeDNSResolver
from reglet.infrastructure.native.http import NativeHTTPClient
from reglet.infrastructure.native.smtp import NativeSMTPClient
from reglet.infrastructure.native.tcp import NativeTCPDialer
from tests.native.answering import AMPLE, AnsweringServer, until_closed

NAMES = {
    "intern.example": ["10.0.0.5"],
    "metadata.example": ["169.254.169.254"],
    "loop.example": ["127.0.0.1"],
    "loop6.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "6to4.example": ["2002:7f00:1::"],
    "teredo.example": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "zero.example": ["0.0.0.0"],
    "link.example": ["fe80::1"],
    "zone.example": ["fe80::1%eth0"],
    "unique.example": ["fd00::1"],
    "many.example": ["224.0.0.1"],
    "azure.example": ["168.63.129.16"],
    "shared.example": ["100.64.0.1"],
    "mixed.example": ["8.8.8.8", "10.0.0.5"],
    "mixed-late.example": ["8.8.8.8", "8.8.4.4", "::1"],
    "xn--lp-via.example": ["127.0.0.1"],
    "localhost": ["127.0.0.1"],
    "a.localhost": ["127.0.0.1"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "compatible.example": ["::127.0.0.1"],
    "isatap.example": ["fe80::5efe:7f00:1"],
    "metadata6.example": ["fd00:ec2::254"],
    "metadata-mapped.example": ["::ffff:169.254.169.254"],
    "metadata-nat64.example": ["64:ff9b::a9fe:a9fe"],
    "broadcast.example": ["255.255.255.255"],
    "protocol6.example": ["2001:7::1"],
    "segments.example": ["5f00::1"],
    "discard.example": ["100::1"],
    "site.example": ["fec0::1"],
    "documentation.example": ["3fff::1"],
    "last.example": ["2606:4700::1111", "8.8.8.8", "8.8.4.4", "0.0.0.1"],
    "no-address.example": ["127.1"],
}

TARGETS = [
    # addresses as they are
    "http://127.0.0.1/", "http://127.8.9.1/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0/", "http://100.64.0.1/", "http://224.0.0.1/",
    "http://255.255.255.255/", "http://192.0.2.1/", "http://198.18.0.1/", "http://240.0.0.1/", "http://168.63.129.16/",
    # IPv4 in odd spellings
    "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/",
    "http://0X7F.1/", "http://017700000001/", "http://0177.0.0.1/", "http://127.0.0.1./", "http://0/", "http://0x0/",
    "http://00000177.0.0.1/", "http://2852039166/", "http://0xa9fea9fe/", "http://0251.0376.0251.0376/",
    "http://256.256.256.256/", "http://4294967296/", "http://127.0.0.1.1.1/", "http://127.0.0.08/",
    # IPv6
    "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
    "http://[::ffff:a9fe:a9fe]/", "http://[::127.0.0.1]/", "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/", "http://[2001::1]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/",
    "http://[fd00:ec2::254]/", "http://[ff02::1]/", "http://[fc00::1]/", "http://[fec0::1]/", "http://[2001:db8::1]/",
    # characters that others read as digits, dots or nothing
    "http://１２７.0.0.1/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://localhost。/",
    "http://loc\u00adalhost/", "http://127.0.0.1%2f.example/", "http://%31%32%37.0.0.1/",
    # what stands around the host
    "http://good.example@127.0.0.1/", "http://good.example:80@127.0.0.1/",
    "http://127.0.0.1#@good.example/", "http://127.0.0.1?@good.example/", "http://127.0.0.1\\@good.example/",
    "http://good.example\\@127.0.0.1/", "http:\\\\127.0.0.1/", "http://127.0.0.1\t/", " http://127.0.0.1/",
    "http://127.0.0.1\r\nHost: good.example/", "http:127.0.0.1/", "http:///127.0.0.1/", "//127.0.0.1/",
    "HTTP://LOCALHOST/", "http://localhost./", "http://localhost../", "http://a.localhost/", "http://127.0.0.1:0x50/",
    # ports and schemes
    "http://8.8.8.8:22/", "http://8.8.8.8:6379/", "http://8.8.8.8:0/", "http://8.8.8.8:65536/", "http://8.8.8.8:-80/",
    "file:///etc/passwd", "gopher://8.8.8.8:80/_", "ftp://8.8.8.8/", "dict://8.8.8.8:80/", "ldap://8.8.8.8:80/",
    "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "data:text/plain,x", "jar:http://8.8.8.8!/",
    "ws://8.8.8.8/", "javascript:1", "",
    # names
    *(f"http://{name}/" for name in NAMES),
]  # fmt: skip


def resolve(name):
    """Answer from the table; every other name is unknown."""
    if name not in NAMES:
        raise OSError(f"{name} is unknown")
    return NAMES[name]


def guard(*extra):
    """Grant every name on the ports of the web, and what a test adds."""
    rules = [NetworkRule(["*", "**", "*.*", "[0-9]*", "*:*"], ["80", "443"]), *extra]
    return PolicyGuard(Policy(GrantSet(network=NetworkCapability(rules))))


def is_refusal(error):
    """Whether the error says no before anything was dialled."""
    dialled = isinstance(error.__cause__, ConnectionError) or "unknown" in str(error) or error.is_timeout
    return isinstance(error, CapabilityError) or (isinstance(error, HTTPError) and not dialled)


def test_there_are_enough_tricks():
    """The table stays a table."""
    assert len(set(TARGETS)) >= 100


@pytest.mark.parametrize("url", TARGETS)
def test_a_wildcard_reaches_none_of_these(url):
    """Everything on the ports of the web is granted, and still no."""
    with pytest.raises(RegletError) as caught:
        NativeHTTPClient(guard(), lookup=resolve).do(HTTPRequest("GET", url, timeout=AMPLE))
    assert is_refusal(caught.value), caught.value


LOCATIONS = [
    *(target for target in TARGETS if target.isascii() and target.isprintable() and target.startswith("http://")),
    "//169.254.169.254/", "///169.254.169.254/", "http:169.254.169.254", "https://127.0.0.1/", "\\\\127.0.0.1/", "/\\127.0.0.1/",
    "file:///etc/passwd", "gopher://8.8.8.8:80/_", "ftp://8.8.8.8/", "javascript:1", "data:,x", "//localhost/",
]  # fmt: skip


def redirecting(location):
    """Return a script that sends a client elsewhere, whatever it asked for."""

    def script(connection):
        connection.recv(65536)
        connection.sendall(
            f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        )

    return script


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_redirect_reaches_none_of_these(location):
    """Each hop is asked about as the first one was."""
    with AnsweringServer(redirecting(location)) as server:
        client = NativeHTTPClient(guard(NetworkRule(["127.0.0.1"], [str(server.port)])), lookup=resolve)
        with pytest.raises(RegletError) as caught:
            client.do(HTTPRequest("GET", f"http://{server.address}/", timeout=AMPLE))
    assert is_refusal(caught.value), caught.value
    assert server.accepted == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_status_of_a_redirect_makes_no_difference(web, status):
    """Neither does a chain of granted hops before it."""
    web.expect_request("/").respond_with_data("", status=status, headers={"Location": "/second"})
    web.expect_request("/second").respond_with_data(
        "", status=status, headers={"Location": "http://169.254.169.254/"}
    )
    client = NativeHTTPClient(guard(NetworkRule(["127.0.0.1"], [str(web.port)])), lookup=resolve)
    with pytest.raises(CapabilityError, match="cloud metadata"):
        client.get(f"http://127.0.0.1:{web.port}/")
    assert len(web.log) == 2


class Rebinding:
    """A resolver that answers differently each time."""

    def __init__(self, *answers):
        """Give these answers, one a call."""
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, name):
        """Answer."""
        self.asked += 1
        return self.answers.pop(0)


def test_a_name_is_resolved_once_for_check_and_connection(web):
    """The second, other answer is never asked for: what was checked is what is dialled."""
    web.expect_request("/").respond_with_data("ok")
    lookup = Rebinding(["127.0.0.1"], ["127.0.0.2"])
    client = NativeHTTPClient(guard(NetworkRule(["*", "127.0.0.1"], [str(web.port)])), lookup=lookup)
    assert client.get(f"http://rebind.example:{web.port}/").body == b"ok"
    assert lookup.asked == 1


def test_a_rebound_name_is_checked_again_when_it_is_dialled_again(web):
    """A redirect to the same name, which by then leads elsewhere."""
    web.expect_request("/").respond_with_data(
        "", status=302, headers={"Location": "/next", "Connection": "close"}
    )
    web.expect_request("/next").respond_with_data("secret")
    lookup = Rebinding(["127.0.0.1"], ["127.0.0.2"])
    client = NativeHTTPClient(guard(NetworkRule(["*", "127.0.0.1"], [str(web.port)])), lookup=lookup)
    with pytest.raises(CapabilityError, match=r"127\.0\.0\.2"):
        client.get(f"http://rebind.example:{web.port}/")
    assert len(web.log) == 1


def test_one_refused_address_refuses_the_name(web):
    """A granted address among others does not let the others in."""
    client = NativeHTTPClient(
        guard(NetworkRule(["*", "127.0.0.1"], [str(web.port)])), lookup=lambda _: ["127.0.0.1", "127.0.0.2"]
    )
    with pytest.raises(CapabilityError):
        client.get(f"http://two.example:{web.port}/")
    assert web.log == []


def test_the_host_header_is_a_target_too(web):
    """A shared front must not be asked for a name that is not granted."""
    web.expect_request("/").respond_with_data("ok")
    granted = PolicyGuard(
        Policy(
            GrantSet(
                network=NetworkCapability([NetworkRule(["127.0.0.1", "front.example"], [str(web.port)])])
            )
        )
    )
    url = f"http://127.0.0.1:{web.port}/"
    client = NativeHTTPClient(granted)
    assert client.do(HTTPRequest("GET", url, {"Host": f"front.example:{web.port}"})).body == b"ok"
    forged = (f"front.example:{web.port}/@intern.example", f"intern.example@front.example:{web.port}")
    for other in (f"intern.example:{web.port}", "front.example", "a@b", "intern.example/x", "[::1]", *forged):
        with pytest.raises((CapabilityError, HTTPError)):
            client.do(HTTPRequest("GET", url, {"Host": other}))
    assert len(web.log) == 1


HOSTS = [
    "127.0.0.1",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "2130706433",
    "localhost",
    "loop.example",
    "intern.example",
    "mixed.example",
]


@pytest.mark.parametrize("host", HOSTS)
def test_the_other_ports_refuse_them_as_well(host):
    """TCP, TLS and SMTP dial through the same gate; a nameserver is a target like any other."""
    with AnsweringServer(until_closed) as server:
        rules = [NetworkRule(["*"], [str(server.port), "53"])]
        allowed = PolicyGuard(Policy(GrantSet(network=NetworkCapability(rules))))
        with pytest.raises(CapabilityError):
            NativeTCPDialer(allowed, lookup=resolve).dial(f"{host}:{server.port}")
        with pytest.raises(CapabilityError):
            NativeTCPDialer(allowed, lookup=resolve).dial_secure(f"{host}:{server.port}", AMPLE, tls=True)
        with pytest.raises(CapabilityError):
            NativeSMTPClient(allowed, lookup=resolve).connect(host, server.port, AMPLE, False, False)
        with pytest.raises(CapabilityError):
            NativeDNSResolver(allowed, lookup=resolve).lookup_host(
                "good.example", nameserver=f"{host}:{server.port}"
            )
    assert server.accepted == 0
