"""Network decisions: host and port in one rule, addresses of special use only by name."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.domain.entities.grants import GrantSet, NetworkCapability, NetworkRule
from reglet.domain.errors import CapabilityError
from reglet.domain.policy import Decision, Policy, PolicyGuard
from reglet.domain.policy.network import Target, special_use
from reglet.domain.ports import NetworkGuard


def policy(*rules):
    """Make a policy of (hosts, ports) pairs."""
    return Policy(GrantSet(network=NetworkCapability([NetworkRule(hosts, ports) for hosts, ports in rules])))


EVERYWHERE = policy((["*", "**", "*.*", "*:*", "[0-9]*", "{127.0.0.1,::1}"], ["*"]))


def test_nothing_is_allowed_without_a_grant():
    """Deny by default: an empty set, and a kind without rules."""
    for grants in (GrantSet(), GrantSet(network=NetworkCapability())):
        assert not Policy(grants).network("example.com", 443)


def test_host_and_port_must_stand_in_the_same_rule():
    """Two rules do not add up to a third."""
    two = policy((["a.com"], ["443"]), (["b.com"], ["80"]))
    assert two.network("a.com", 443) == Decision(True, "network:a.com:443")
    assert not two.network("a.com", 80)
    assert not two.network("b.com", 443)


def test_a_refusal_names_the_missing_grant_and_what_to_add():
    """The hint is a rule ready to paste."""
    with pytest.raises(CapabilityError) as caught:
        policy().network("Example.com.", 8443).require()
    assert caught.value.required == "network:example.com:8443"
    assert caught.value.hint == 'add {"hosts": ["example.com"], "ports": ["8443"]} to network.rules'


@pytest.mark.parametrize(
    ("ports", "allowed", "refused"),
    [
        (["443"], [443], [80, 0, -1, 65536, 44, 4430]),
        (["8000-9000"], [8000, 8500, 9000], [7999, 9001]),
        (["*"], [1, 65535], [0, 65536]),
        (["80", " 443 "], [80, 443], [81]),
        (["0", "-1", "70000", "http", "9000-8000", "1-2-3", "", "٤٤٣"], [], [0, 1, 443, 65535, 8500]),
    ],
)
def test_ports_are_numbers_ranges_or_a_star(ports, allowed, refused):
    """What is none of these grants nothing."""
    rules = policy((["a.com"], ports))
    assert [port for port in [*allowed, *refused] if rules.network("a.com", port)] == allowed


@pytest.mark.parametrize(
    ("pattern", "allowed", "refused"),
    [
        (
            "example.com",
            ["example.com", "EXAMPLE.COM", "example.com."],
            ["a.example.com", "xexample.com", "example.com.evil.org"],
        ),
        ("Example.COM.", ["example.com"], []),
        (
            "*.example.com",
            ["a.example.com", "a.b.example.com", "A.Example.Com."],
            ["example.com", "aexample.com"],
        ),
        ("api-?.example.com", ["api-1.example.com"], ["api-12.example.com"]),
        ("{a,b}.com", ["a.com", "b.com"], ["c.com"]),
        ("bücher.example", ["bücher.example", "xn--bcher-kva.example"], ["bucher.example"]),
        ("*.bücher.example", ["a.BÜCHER.example", "a.xn--bcher-kva.example"], []),
        ("8.8.8.8", ["8.8.8.8", "134744072", "[::ffff:8.8.8.8]"], ["8.8.4.4", "8.8.8.8.nip.io"]),
        ("0x8.010.8.8", ["8.8.8.8"], []),
        ("8.8.0.0/16", ["8.8.4.4"], ["8.9.1.1", "8.8.example.com"]),
        ("10.0.0.0/8", ["10.1.2.3", "0xa.1"], ["11.0.0.1", "intern.example"]),
        ("[::1]", ["::1", "[::1]"], ["::2"]),
        ("2001:db8::/32", ["2001:db8::5"], ["2001:db9::1"]),
    ],
)
def test_hosts_are_names_globs_addresses_or_blocks(pattern, allowed, refused):
    """Names are compared without case and dot, addresses as addresses."""
    rules = policy(([pattern], ["443"]))
    assert [host for host in [*allowed, *refused] if rules.network(host, 443)] == allowed


def test_a_pattern_that_cannot_be_read_grants_nothing_and_is_told():
    """Refusals carry what is wrong with the grants."""
    broken = policy((["[a", "10.0.0.1/8", "a..b"], ["443", "x"]))
    decision = broken.network("a.com", 443)
    assert not decision
    assert len(broken.errors) == 4
    assert all(error in decision.hint for error in broken.errors)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "0.0.0.0",
        "224.0.0.1",
        "64:ff9b::7f00:1",
        "2002:a00:1::",
    ],
)
def test_no_wildcard_allows_an_address_of_special_use(address):
    """Neither as a target nor behind a name."""
    assert not EVERYWHERE.network(address, 80)
    assert not EVERYWHERE.address("example.com", 80, address)
    assert EVERYWHERE.address("example.com", 80, "8.8.8.8")


def test_an_exact_name_an_address_or_a_block_allows_it():
    """Each says that someone meant it."""
    assert policy((["db.local"], ["5432"])).address("DB.local.", 5432, "10.0.0.5")
    assert policy((["*", "10.0.0.5"], ["5432"])).address("db.local", 5432, "10.0.0.5")
    assert policy((["*"], ["*"]), (["10.0.0.0/8"], ["5432"])).address("db.local", 5432, "10.0.0.5")
    assert policy((["10.0.0.0/8"], ["*"])).network("10.9.9.9", 1)


@pytest.mark.parametrize("block", ["0.0.0.0/0", "::/0", "8.0.0.0/5", "126.0.0.0/7", "fe00::/7"])
def test_a_block_wider_than_what_is_set_aside_is_a_wildcard(block):
    """It allows the public addresses in it, and none of special use."""
    rules = policy((["*", block], ["*"]))
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1", "fd00::1"):
        assert not rules.network(address, 80)
        assert not rules.address("example.com", 80, address)


def test_cloud_metadata_is_granted_by_its_address_alone():
    """A name leads where its owner says, a block of link-local addresses was not meant for it."""
    for pattern in ("metadata.google.internal", "169.254.0.0/16"):
        assert not policy(([pattern, "*"], ["*"])).address("metadata.google.internal", 80, "169.254.169.254")
    assert policy((["169.254.169.254", "*"], ["80"])).address(
        "metadata.google.internal", 80, "169.254.169.254"
    )


def test_the_rule_for_an_address_must_have_the_port_too():
    """A block for one port does not open another."""
    rules = policy((["*"], ["*"]), (["10.0.0.0/8"], ["5432"]))
    assert not rules.address("db.local", 6379, "10.0.0.5")


def test_an_address_is_worth_nothing_without_its_host():
    """A granted block does not allow names that happen to resolve into it."""
    assert not policy((["10.0.0.0/8"], ["*"])).address("intern.example", 443, "10.0.0.5")


def test_a_look_up_needs_the_name_on_port_53():
    """A grant for HTTPS does not cover DNS."""
    assert policy((["*.example.com"], ["53"])).dns("a.example.com")
    refusal = policy((["*.example.com"], ["443"])).dns("a.example.com")
    assert refusal.rule == "network:a.example.com:53"
    with pytest.raises(CapabilityError):
        policy().dns("a..b").require()


@pytest.mark.parametrize("host", ["a..b", "", "fe80::1%eth0", "1.2.3.4.5", "a b"])
def test_what_is_no_host_is_refused_whatever_is_granted(host):
    """Each question says why."""
    for decision in (
        EVERYWHERE.network(host, 80),
        EVERYWHERE.address(host, 80, "8.8.8.8"),
        EVERYWHERE.dns(host),
    ):
        assert not decision
        assert "neither a name nor an address" in decision.hint


@pytest.mark.parametrize("answer", ["", "example.com", "fe80::1%eth0", "1.2.3.4.5"])
def test_what_is_no_address_is_not_dialled(answer):
    """A resolver that answers nonsense gets nowhere."""
    assert not EVERYWHERE.address("example.com", 80, answer)


def test_the_guard_asks_the_policy():
    """The adapter of the port raises where the policy refuses."""
    guard = PolicyGuard(policy((["*.example.com"], ["443"])))
    assert isinstance(guard, NetworkGuard)
    granted = Target.of("a.example.com", 443)
    guard.check_target(granted)
    guard.check_address(granted, ip_address("8.8.8.8"))
    with pytest.raises(CapabilityError, match=r"network:b\.com:443"):
        guard.check_target(Target.of("b.com", 443))
    with pytest.raises(CapabilityError, match="a private address, which no pattern with wildcards allows"):
        guard.check_address(granted, ip_address("192.168.0.1"))


LABELS = st.sampled_from(["a", "b", "api", "x-1"])
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "com"]))
ADDRESSES = (
    st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0x7F000001, 0x0A000001, 0x08080808, 0xA9FEA9FE]))
    .map(ip_address)
    .map(str)
)
BLOCKS = st.tuples(ADDRESSES, st.integers(0, 32)).map(
    lambda pair: str(ip_network(f"{pair[0]}/{pair[1]}", strict=False))
)
WILDCARDS = st.one_of(st.just("*"), NAMES.map("*.".__add__))
RULES = st.lists(
    st.tuples(
        st.lists(st.one_of(NAMES, ADDRESSES, BLOCKS, WILDCARDS), max_size=3),
        st.lists(st.integers(1, 4).map(str), max_size=2),
    ),
    max_size=3,
)


SET_ASIDE = [
    "169.254.169.254/32", "169.254.169.253/32", "169.254.170.2/32", "169.254.170.23/32", "168.63.129.16/32",
    "100.100.100.200/32", "192.0.0.192/32", "0.0.0.0/32", "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12",
    "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "0.0.0.0/8",
    "192.0.0.0/24", "192.88.99.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15",
    "240.0.0.0/4",
]  # fmt: skip
"""The narrowest first."""


def plainly(rules, name, port, address):
    """Say what the rules allow, in the words of the documentation."""
    of_port = [host for hosts, ports in rules if str(port) in ports for host in hosts]
    named = name in of_port
    starred = any(host == "*" or (host[:2] == "*." and name.endswith(host[1:])) for host in of_port)
    blocks = [ip_network(host) for host in of_port if host.replace(".", "").replace("/", "").isdigit()]
    use, dialled = special_use(ip_address(address)), ip_address(address)
    around = [ip_network(text) for text in SET_ASIDE if dialled in ip_network(text)]
    meant = any(dialled in block and block.subnet_of(around[0]) for block in blocks) if around else False
    return (named or starred) and (not use or (named and use != "cloud metadata") or meant)


@given(RULES, NAMES, st.integers(1, 4), ADDRESSES)
def test_addresses_are_allowed_as_the_plain_specification_says(rules, name, port, address):
    """A name must be granted; an address of special use must be meant."""
    assert bool(policy(*rules).address(name, port, address)) is plainly(rules, name, port, address)
