"""References: what is one, what it means, what is shown of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.infrastructure.registry import (
    InvalidReferenceError,
    Reference,
    is_loopback,
    is_reference,
    parse_reference,
    tag_of_version,
)

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "registry.example.com/acme/plugins/http:1.0.0",
            Reference("registry.example.com", "acme/plugins/http", "1.0.0"),
        ),
        ("localhost/http:latest", Reference("localhost", "http", "latest")),
        ("LOCALHOST:5000/a/b:1", Reference("localhost:5000", "a/b", "1")),
        ("[::1]:5000/a:1", Reference("[::1]:5000", "a", "1")),
        (f"r.example/a/b/c@{DIGEST}", Reference("r.example", "a/b/c", "", DIGEST)),
        (f"r.example/a/b/c:1@{DIGEST}", Reference("r.example", "a/b/c", "1", DIGEST)),
    ],
)
def test_a_reference_has_registry_repository_and_tag_or_digest(text: str, expected: Reference):
    """It is written as it was read, but for the case of the registry's name."""
    assert parse_reference(text) == expected
    assert str(expected) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http",
        "http:1.0.0",
        "acme/http:1.0.0",
        "examples/http",
        "http_plugin.plugin:plugin",
        "./examples/http.wasm",
        "../a.b/http:1",
        "/home/me/http.wasm:1",
        "C:/plugins/http:1",
        "registry.example.com/acme/plugins/http",
        "registry.example.com/Acme/http:1",
        "registry.example.com//http:1",
        "registry.example.com/http:-1",
        "registry.example.com/http@sha256:12",
        "registry.example.com/http:1\n",
        "https://registry.example.com/acme/http:1",
    ],
)
def test_files_modules_and_half_references_are_none(text: str):
    """A target is taken for a reference only if it can be nothing else."""
    assert not is_reference(text)


def test_an_error_has_the_form_and_no_password():
    """Whoever writes a login into a reference does not find it in a log."""
    with pytest.raises(InvalidReferenceError, match="write registry/org/repo/name:tag") as raised:
        parse_reference("ann:s3cret@registry.example.com/acme/plugins/http:1")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io"])
def test_docker_hub_is_asked_under_the_name_that_answers(name: str):
    """And its login is the one that docker keeps under its oldest name; the reference stays as it was written."""
    reference = parse_reference(f"{name}/acme/http:1")
    assert (reference.endpoint, reference.host, reference.port) == (
        "registry-1.docker.io",
        "registry-1.docker.io",
        443,
    )
    assert reference.login_names[0] == "https://index.docker.io/v1/"
    assert str(reference) == f"{name}/acme/http:1"


@pytest.mark.parametrize(
    ("text", "installable"),
    [("r.example/a/b/c:1", True), ("r.example/a/b:1", False), (f"r.example/a/b/c@{DIGEST}", False)],
)
def test_hosts_install_from_org_repo_and_name_with_a_tag(text: str, installable: bool):
    """A shorter path, or a digest alone, is for pulling only."""
    assert parse_reference(text).is_installable is installable


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_an_error(text: str):
    """What is read is written so that it reads the same."""
    if is_reference(text):
        reference = parse_reference(text)
        assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, expected: bool):
    """Names that merely look like it are not."""
    assert is_loopback(host) is expected


def test_a_version_with_build_metadata_becomes_a_tag():
    """A tag has no plus sign."""
    assert tag_of_version("1.0.0+linux.1") == "1.0.0_linux.1"
