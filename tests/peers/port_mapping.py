"""A second address for a server, as a port mapping or a container gives it: bytes go both ways."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

PIECE_BYTES = 64 * 1024


def _copy(
    source: socket.socket, sink: socket.socket, told: Callable[[int], None] | None = None
) -> None:
    try:
        while piece := source.recv(PIECE_BYTES):
            if told:
                told(len(piece))
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # one side is gone: so is the other
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def pass_through(
    client: socket.socket,
    address: tuple[str, int],
    told: Callable[[int], None] | None = None,
) -> None:
    """Connects to the address and copies both ways until both are done; `told` is called with the
    size of each piece that comes back, before it is passed on."""
    with socket.create_connection(address) as server:
        back = threading.Thread(target=_copy, args=(server, client, told), daemon=True)
        back.start()
        _copy(client, server)
        back.join()


@contextlib.contextmanager
def to(address: tuple[str, int]) -> Iterator[str]:
    """The URL of the new address."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            pass_through(self.request, address)

    class Mapping(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Mapping(("127.0.0.1", 0), Connection) as mapping:
        threading.Thread(target=mapping.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{mapping.server_address[1]}"
        finally:
            mapping.shutdown()
