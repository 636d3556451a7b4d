"""The hosts file, as system resolvers read it."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from reglet.domain.policy import InvalidHostError, canonical_host, parse_address

_MAX_BYTES = 1024 * 1024
_LOCAL = ["127.0.0.1", "::1"]


@frozen
class HostsFile:
    """Names that are known without asking a nameserver."""

    path: Path = Path("/etc/hosts")

    def addresses(self, name: str) -> list[str]:
        """Return what the file says of a canonical name; `localhost` is always this machine (RFC 6761)."""
        found = [address for address, names in self._entries() if name in names]
        local = name == "localhost" or name.endswith(".localhost")
        return list(dict.fromkeys(found)) or (list(_LOCAL) if local else [])

    def _entries(self) -> list[tuple[str, set[str]]]:
        try:
            with self.path.open("rb") as file:
                text = file.read(_MAX_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        lines = (line.partition("#")[0].split() for line in text.splitlines())
        return [entry for fields in lines if fields for entry in _entry(fields[0], fields[1:])]


def _entry(address: str, names: list[str]) -> list[tuple[str, set[str]]]:
    try:
        parsed = parse_address(address)
        return [(str(parsed), {canonical_host(name) for name in names})] if parsed is not None else []
    except InvalidHostError:
        return []  # as system resolvers do, a line that makes no sense is passed over
