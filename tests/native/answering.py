"""A TCP server whose connections a test scripts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Self

from tests.patience import PATIENCE

AMPLE = timedelta(seconds=PATIENCE)
"""Time for a call that takes milliseconds, on a machine that stands still meanwhile."""

Script = Callable[[socket.socket], None]


class AnsweringServer:
    """Accepts connections on a free loopback port and runs a script on each, in one thread."""

    def __init__(self, script: Script) -> None:
        """Start listening; nothing is answered before `with`."""
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port = int(self._listener.getsockname()[1])
        self.accepted = 0

    @property
    def address(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with connection:
                try:
                    self._script(connection)
                except OSError:
                    continue  # the client hung up, which some tests are about


def until_closed(connection: socket.socket) -> None:
    """Read and answer nothing until the client hangs up."""
    while connection.recv(4096):
        pass


def bound_twice() -> tuple[socket.socket, socket.socket]:
    """Return sockets for TCP and UDP on one loopback port, which nobody else gets: TCP is refused there."""
    while True:
        tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            tcp.bind(udp.getsockname())
        except OSError:  # somebody has it for TCP
            tcp.close()
            udp.close()
        else:
            return tcp, udp
