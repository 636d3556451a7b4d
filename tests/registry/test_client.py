"""The client against a real registry: pushes, pulls, logins, and everything that breaks on the way."""

from __future__ import annotations

import base64
import json
import logging
import stat
import sys
from pathlib import Path

import pytest
import requests
from attrs import evolve

from reglet.infrastructure.registry import parse_reference
from reglet.infrastructure.registry.artifact import (
    ArtifactError,
    Descriptor,
    DigestError,
    digest_of,
    fetch_artifact,
)
from reglet.infrastructure.registry.client import (
    LoginError,
    NotInRegistryError,
    RegistryClient,
    RegistryError,
    UntrustedRegistryError,
    find_credentials,
)
from tests.registry.artifacts import MODULE, make
from tests.registry.servers import PASSWORD, USERNAME, Exchange, proxied

BASIC = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
VARIABLES = {"REGISTRY_USERNAME": USERNAME, "REGISTRY_PASSWORD": PASSWORD}


@pytest.fixture(name="nothing_kept")
def _nothing_kept(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which docker keeps no login."""
    return {"DOCKER_CONFIG": str(tmp_path / "docker")}


def client(reference: str, environment: dict[str, str]) -> RegistryClient:
    return RegistryClient(parse_reference(reference), environment)


def pulled(reference: str, environment: dict[str, str]):
    with client(reference, environment) as registry:
        return fetch_artifact(registry.fetch_manifest(), registry.fetch_blob, reference)


def pushed(reference: str, environment: dict[str, str], artifact=None, *tags: str) -> None:
    with client(reference, environment) as registry:
        registry.push(artifact or make(), tags or (parse_reference(reference).tag,))


def test_what_is_pushed_is_pulled_by_each_tag_and_by_digest(registry: str, nothing_kept: dict[str, str]):
    """The artifact is the same to the last byte, and so is its digest."""
    name = f"{registry}/acme/plugins/http"
    pushed(f"{name}:1.0.0", nothing_kept, make(), "1.0.0", "latest")
    for version in (":1.0.0", ":latest", f"@{make().digest}", f":other@{make().digest}"):
        assert pulled(name + version, nothing_kept) == make()


def test_two_pushes_have_one_digest_and_send_blobs_once(registry: str, nothing_kept: dict[str, str]):
    """The second push finds its blobs there."""
    with proxied(registry, lambda exchange: exchange) as (address, passed):
        for _ in range(2):
            pushed(f"{address}/twice/plugins/http:1.0.0", nothing_kept)
        uploads = [each for each in passed if each.method == "POST"]
    assert len(uploads) == 2  # the config and the module
    assert {each.headers["Docker-Content-Digest"] for each in passed if "/manifests/" in each.path} == {
        make().digest
    }


def test_a_reference_that_is_not_there_says_so(registry: str, nothing_kept: dict[str, str]):
    """Without the library's retries, which would take two minutes."""
    with pytest.raises(NotInRegistryError, match="correct its name or tag, or push it") as raised:
        pulled(f"{registry}/nobody/plugins/http:1.0.0", nothing_kept)
    assert raised.value.is_not_found
    assert str(raised.value).startswith(f"{registry}/nobody/plugins/http:1.0.0 ")


def test_a_registry_that_is_not_there_names_the_cause(nothing_kept: dict[str, str]):
    """One line, with the reference and what to check."""
    with pytest.raises(RegistryError, match=r"http:1: .*refused: check the name and the network") as raised:
        pulled("127.0.0.1:9/a/b/http:1", nothing_kept)
    assert "\n" not in str(raised.value)
    assert "object at" not in str(raised.value)


def test_a_login_is_asked_for_and_taken_from_the_variables(login_registry: str, nothing_kept: dict[str, str]):
    """Without one the message has the command lines and the variables."""
    reference = f"{login_registry}/variables/plugins/http:1.0.0"
    with pytest.raises(
        LoginError, match=f"needs a login: run `docker login {login_registry}` or `oras login"
    ):
        pushed(reference, nothing_kept)
    pushed(reference, {**nothing_kept, **VARIABLES})
    assert pulled(reference, {**nothing_kept, **VARIABLES}) == make()


@pytest.mark.parametrize("action", [pushed, pulled])
def test_a_wrong_password_is_an_error_that_names_where_it_came_from(
    action, login_registry: str, nothing_kept: dict[str, str]
):
    """And does not show it."""
    wrong = {**nothing_kept, **VARIABLES, "REGISTRY_PASSWORD": "wr0ng-passw0rd"}
    with pytest.raises(
        LoginError, match="refuses the login of REGISTRY_USERNAME and REGISTRY_PASSWORD"
    ) as raised:
        action(f"{login_registry}/wrong/plugins/http:1.0.0", wrong)
    assert "wr0ng" not in str(raised.value)


def test_one_variable_alone_is_an_error(nothing_kept: dict[str, str]):
    """The message names the other."""
    with pytest.raises(LoginError, match="REGISTRY_PASSWORD is set without REGISTRY_USERNAME"):
        client("localhost:9/a/b/http:1", {**nothing_kept, "REGISTRY_PASSWORD": "a"})


@pytest.mark.parametrize("form", ["{}", "https://{}", "https://{}/v2/"])
def test_a_login_that_docker_or_oras_keeps_is_used(form: str, login_registry: str, tmp_path: Path):
    """By the registry's bare name, or as a URL."""
    config = {"auths": {form.format(login_registry): {"auth": BASIC}, "other.example": {}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    environment = {"DOCKER_CONFIG": str(tmp_path)}
    reference = f"{login_registry}/kept/plugins/http:1.0.0"
    pushed(reference, environment)
    assert pulled(reference, environment) == make()


def test_a_login_that_podman_keeps_is_used_where_docker_has_none(tmp_path: Path):
    """`REGISTRY_AUTH_FILE`, else the file of the session."""
    auth = json.dumps({"auths": {"r.example": {"auth": BASIC}}})
    (tmp_path / "auth.json").write_text(auth)
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / "auth.json").write_text(auth)
    docker = {"DOCKER_CONFIG": str(tmp_path / "none")}
    reference = parse_reference("r.example/a/b/c:1")
    for variables in (
        {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")},
        {"XDG_RUNTIME_DIR": str(tmp_path)},
    ):
        found = find_credentials(reference, {**docker, **variables})
        assert found is not None
        assert (found.basic, Path(found.origin).name) == (BASIC, "auth.json")
    assert find_credentials(parse_reference("other.example/a:1"), {**docker, **variables}) is None


@pytest.mark.skipif(sys.platform == "win32", reason="the helper is a script with a shebang")
def test_a_credential_helper_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The program that docker's config names gets the registry and answers with the login."""
    helper = tmp_path / "docker-credential-made"
    helper.write_text(
        f'#!/bin/sh\nread name; test "$name" = r.example && echo \'{{"Username": "{USERNAME}", "Secret": "{PASSWORD}"}}\'\n'
    )
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for config in (
        {"credHelpers": {"r.example": "made"}},
        {"credsStore": "made", "auths": {"r.example": {}}},
    ):
        (tmp_path / "config.json").write_text(json.dumps(config))
        environment = {"DOCKER_CONFIG": str(tmp_path)}
        found = find_credentials(parse_reference("r.example/a/b/c:1"), environment)
        assert found is not None
        assert found.basic == BASIC
        assert find_credentials(parse_reference("other.example/a:1"), environment) is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io"])
def test_a_login_to_docker_hub_is_found_under_each_of_its_names(key: str, tmp_path: Path):
    """`docker login` keeps it under a URL, `oras login` and podman under bare names."""
    (tmp_path / "config.json").write_text(json.dumps({"auths": {key: {"auth": BASIC}}}))
    found = find_credentials(parse_reference("docker.io/acme/http:1"), {"DOCKER_CONFIG": str(tmp_path)})
    assert found is not None
    assert found.basic == BASIC


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": {"r.example": "a"}}'])
def test_a_config_that_cannot_be_read_is_named(content: str, tmp_path: Path):
    """Its content is not shown."""
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(LoginError, match=r"config\.json cannot be read .*: log in again"):
        find_credentials(parse_reference("r.example/a:1"), {"DOCKER_CONFIG": str(tmp_path)})


def test_no_log_shows_a_password(
    login_registry: str, nothing_kept: dict[str, str], caplog: pytest.LogCaptureFixture
):
    """Not at the lowest level, not of any library, not in the form of a header."""
    environment = {**nothing_kept, **VARIABLES}
    with caplog.at_level(logging.DEBUG):
        pushed(f"{login_registry}/logs/plugins/http:1.0.0", environment)
        with pytest.raises(LoginError) as raised:
            pushed(
                f"{login_registry}/logs/plugins/http:1", {**environment, "REGISTRY_PASSWORD": PASSWORD + "x"}
            )
    assert caplog.records
    credentials = find_credentials(parse_reference("r.example/a:1"), environment)
    shown = f"{caplog.text}{raised.getrepr()}{credentials!r}"
    assert PASSWORD not in shown
    assert BASIC not in shown


def guarded(scopes: list[str]):
    """Return a rule that wants a token for each scope, and whoever asks for one to have logged in."""

    def rule(exchange: Exchange) -> Exchange | None:
        host = exchange.headers.get("X-Proxy", "")
        if exchange.path.startswith("/token"):
            scope = exchange.path.partition("scope=")[2].rpartition("%3A")[2]
            scopes.append(scope)
            if exchange.authorization != f"Basic {BASIC}":
                return evolve(exchange, status=401, headers={}, body=b"{}")
            return evolve(exchange, status=200, headers={}, body=json.dumps({"token": scope}).encode())
        wanted = "pull" if exchange.method in {"GET", "HEAD"} else "pull%2Cpush"
        if exchange.authorization not in {f"Bearer {wanted}", "Bearer pull%2Cpush"}:
            challenge = (
                f'Bearer realm="/token{host}",service="test",'
                f'scope="repository:a:{wanted.replace("%2C", ",")}"'
            )
            return evolve(exchange, status=401, headers={"Www-Authenticate": challenge}, body=b"{}")
        return exchange

    return rule


def test_a_registry_with_tokens_gets_one_for_each_scope(registry: str, nothing_kept: dict[str, str]):
    """A token to pull does not do for the push that follows, so another is asked for."""
    scopes: list[str] = []
    inner = guarded(scopes)
    place: list[str] = []

    def rule(exchange: Exchange) -> Exchange | None:
        answer = inner(exchange)
        if answer and "Www-Authenticate" in answer.headers:
            realm = answer.headers["Www-Authenticate"].replace('realm="', f'realm="http://{place[0]}')
            return evolve(answer, headers={"Www-Authenticate": realm})
        return answer

    with proxied(registry, rule) as (address, _):
        place.append(address)
        reference = f"{address}/tokens/plugins/http:1.0.0"
        pushed(reference, {**nothing_kept, **VARIABLES})
        assert scopes == ["pull", "pull%2Cpush"]
        assert pulled(reference, {**nothing_kept, **VARIABLES}) == make()
        with pytest.raises(LoginError, match="refuses the login"):
            pulled(reference, {**nothing_kept, **VARIABLES, "REGISTRY_PASSWORD": "wrong"})
        with pytest.raises(LoginError, match="needs a login"):
            pulled(reference, nothing_kept)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_upload_that_breaks_off_leaves_the_tag_as_it_was(
    method: str, registry: str, nothing_kept: dict[str, str]
):
    """The blobs go first, so nobody pulls half a plugin; pushing again heals it."""
    reference = f"broken-{method.lower()}/plugins/http:latest"
    pushed(f"{registry}/{reference}", nothing_kept)
    changed = make("2.0.0", MODULE + b"\0" + method.encode())
    with (
        proxied(registry, lambda exchange: None if exchange.method == method else exchange) as (address, _),
        pytest.raises(RegistryError, match="the upload broke off, and no tag was changed; push again"),
    ):
        pushed(f"{address}/{reference}", nothing_kept, changed)
    assert pulled(f"{registry}/{reference}", nothing_kept) == make()
    pushed(f"{registry}/{reference}", nothing_kept, changed)
    assert pulled(f"{registry}/{reference}", nothing_kept) == changed


def test_a_manifest_whose_answer_is_lost_says_what_is_not_known(registry: str, nothing_kept: dict[str, str]):
    """The tag may have changed."""
    with (
        proxied(registry, lambda each: None if each.path.endswith("/manifests/1.0.0") else each) as (
            address,
            _,
        ),
        pytest.raises(RegistryError, match=r"whether the tag 1\.0\.0 was changed is not known; push again"),
    ):
        pushed(f"{address}/lost/plugins/http:1.0.0", nothing_kept)


def test_a_refusal_shows_the_registrys_words_on_one_line(registry: str, nothing_kept: dict[str, str]):
    """As the distribution spec words errors, cut to what a line holds."""

    def full(exchange: Exchange) -> Exchange:
        body = json.dumps({"errors": [{"code": "TOOBIG", "message": "quota\n\x1b[31m" + "x" * 999}]}).encode()
        return evolve(exchange, status=413, headers={}, body=body) if exchange.method == "PUT" else exchange

    with (
        proxied(registry, full) as (address, _),
        pytest.raises(RegistryError, match=r"answered 413 .*to PUT: quota") as raised,
    ):
        pushed(f"{address}/full/plugins/http:1.0.0", nothing_kept)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("part", ["/manifests/", digest_of(make().config), digest_of(MODULE)])
@pytest.mark.parametrize("change", ["bytes", "length"])
def test_bytes_that_were_changed_on_the_way_are_refused(
    part: str, change: str, registry: str, nothing_kept: dict[str, str]
):
    """The manifest by its digest, the blobs by those in the manifest."""
    pushed(f"{registry}/tampered/plugins/http:1.0.0", nothing_kept)

    def tamper(exchange: Exchange) -> Exchange:
        if part not in exchange.path or exchange.method != "GET":
            return exchange
        changed = exchange.body.replace(b"http", b"evil").replace(b"\x07", b"\x08", 1)
        return evolve(exchange, body=changed if change == "bytes" else exchange.body + b" ")

    with proxied(registry, tamper) as (address, _):
        for version in ("@" + make().digest, ":1.0.0"):
            with pytest.raises(DigestError, match=f"{address}/tampered/plugins/http"):
                pulled(f"{address}/tampered/plugins/http{version}", nothing_kept)


def test_a_registry_that_keeps_something_else_is_found(registry: str, nothing_kept: dict[str, str]):
    """What it says of the manifest is compared with what was sent."""

    def lie(exchange: Exchange) -> Exchange:
        headers = {**exchange.headers, "Docker-Content-Digest": "sha256:" + "0" * 64}
        return evolve(exchange, headers=headers) if "/manifests/" in exchange.path else exchange

    with (
        proxied(registry, lie) as (address, _),
        pytest.raises(DigestError, match="but is kept as sha256:000"),
    ):
        pushed(f"{address}/lies/plugins/http:1.0.0", nothing_kept)


def test_a_blob_is_read_no_further_than_its_size(registry: str, nothing_kept: dict[str, str]):
    """A registry cannot fill the memory."""
    pushed(f"{registry}/long/plugins/http:1.0.0", nothing_kept)
    with (
        client(f"{registry}/long/plugins/http:1.0.0", nothing_kept) as opened,
        pytest.raises(DigestError, match="sent more than 5 bytes"),
    ):
        opened.fetch_blob(Descriptor(digest_of(MODULE), 5))


def test_a_busy_registry_is_asked_again(registry: str, nothing_kept: dict[str, str]):
    """Reads that it could not serve for once are repeated; its own idea of when is not waited for."""
    pushed(f"{registry}/busy/plugins/http:1.0.0", nothing_kept)
    refusals = iter([503, 429])

    def busy(exchange: Exchange) -> Exchange:
        status = next(refusals, None) if "/manifests/" in exchange.path else None
        return evolve(exchange, status=status, headers={"Retry-After": "3600"}) if status else exchange

    with proxied(registry, busy) as (address, _):
        assert pulled(f"{address}/busy/plugins/http:1.0.0", nothing_kept) == make()


def test_an_image_is_no_plugin(registry: str, nothing_kept: dict[str, str]):
    """Another artifact of the same registry is refused by its types."""
    image = evolve(
        make(), manifest=make().manifest.replace(b"reglet.plugin.wasm.v1", b"oci.image.layer.v1.tar")
    )
    pushed(f"{registry}/image/plugins/http:1.0.0", nothing_kept, image)
    with pytest.raises(ArtifactError, match="is no Reglet plugin, it holds"):
        pulled(f"{registry}/image/plugins/http:1.0.0", nothing_kept)


def test_plain_http_is_spoken_to_this_machine_alone(registry: str, nothing_kept: dict[str, str]):
    """Neither a redirect nor a token service leads out of HTTPS."""

    def lead_away(exchange: Exchange) -> Exchange:
        away = {"Location": "http://registry.example.com/v2/"}
        return evolve(exchange, status=307, headers=away) if "/manifests/" in exchange.path else exchange

    with (
        proxied(registry, lead_away) as (address, _),
        pytest.raises(UntrustedRegistryError, match=r"leads to http://registry\.example\.com, where others"),
    ):
        pulled(f"{address}/away/plugins/http:1.0.0", nothing_kept)

    realm = {"Www-Authenticate": 'Bearer realm="http://registry.example.com/token",service="a"'}
    with (
        proxied(registry, lambda each: evolve(each, status=401, headers=realm)) as (address, passed),
        pytest.raises(UntrustedRegistryError),
    ):
        pulled(f"{address}/away/plugins/http:1.0.0", {**nothing_kept, **VARIABLES})
    assert {each.authorization for each in passed} == {""}


def test_a_registry_on_another_machine_is_asked_over_https(nothing_kept: dict[str, str]):
    """Its name leads nowhere here, and no plain request is tried in its place."""
    with pytest.raises(RegistryError, match="check the name and the network") as raised:
        pulled("registry.invalid/a/b/http:1", nothing_kept)
    assert isinstance(raised.value.__cause__, requests.ConnectionError)
    assert raised.value.__cause__.request is not None
    assert raised.value.__cause__.request.url == "https://registry.invalid/v2/a/b/http/manifests/1"


def test_another_host_to_upload_to_gets_no_login(registry: str, nothing_kept: dict[str, str]):
    """A registry may name one; what it gets is the blob, not the password."""
    with proxied(registry, lambda exchange: exchange) as (elsewhere, passed):

        def lead_elsewhere(exchange: Exchange) -> Exchange:
            if not exchange.authorization:
                return evolve(
                    exchange, status=401, headers={"Www-Authenticate": 'Basic realm="a"'}, body=b"{}"
                )
            if exchange.method != "POST":
                return exchange
            path = exchange.headers["Location"].partition("/v2/")[2]
            return evolve(exchange, headers={**exchange.headers, "Location": f"http://{elsewhere}/v2/{path}"})

        with proxied(registry, lead_elsewhere) as (address, _):
            pushed(f"{address}/elsewhere/plugins/http:1.0.0", {**nothing_kept, **VARIABLES})
    assert [(each.method, each.authorization) for each in passed] == [("PUT", ""), ("PUT", "")]
