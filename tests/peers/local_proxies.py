"""What stands between a client and a service in real networks: TLS with a private authority, a
proxy that opens tunnels (CONNECT), a SOCKS5 proxy. Each counts what passes through.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import port_mapping


@dataclass
class Passed:
    """Addresses that were asked for, one a connection, clients that were turned away, and what came
    back. A name leads where `routes` says, if it says; when `hold_bytes` have come back, `hold` is
    called once, and until it returns nothing more passes."""

    address: str = ""
    targets: list[str] = field(default_factory=list)
    refused: int = 0
    bytes_back: int = 0
    routes: dict[str, tuple[str, int]] = field(default_factory=dict)
    hold: Callable[[], None] | None = None
    hold_bytes: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _holding: threading.Lock = field(default_factory=threading.Lock)

    def pass_on(self, client: socket.socket, host: str, port: int) -> None:
        port_mapping.pass_through(client, self.routes.get(host, (host, port)), self._came_back)

    def _came_back(self, size: int) -> None:
        with self._counting:
            self.bytes_back += size
            due = self.hold is not None and self.bytes_back >= self.hold_bytes
        if due:
            with self._holding:
                if self.hold is not None:
                    self.hold()
                    self.hold = None


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or does not trust us, is no error of the proxy."""


@contextlib.contextmanager
def serving(
    handle: Callable[[socket.socket], None], scheme: str, passed: Passed
) -> Iterator[Passed]:
    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            handle(self.request)

    with Server(("127.0.0.1", 0), Connection) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        passed.address = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        try:
            yield passed
        finally:
            server.shutdown()


def read_until(peer: socket.socket, end: bytes) -> bytes:
    text = b""
    while not text.endswith(end):
        piece = peer.recv(1)  # one by one: what follows belongs to the tunnel
        if not piece:
            raise ConnectionError("the client hung up")
        text += piece
    return text


def read_exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = peer.recv(size - len(data))
        if not piece:
            raise ConnectionError("the client hung up")
        data += piece
    return data


def http_proxy(user: str, password: str) -> contextlib.AbstractContextManager[Passed]:
    """Opens tunnels by CONNECT, for one user."""
    passed = Passed()
    wanted = b"Basic " + base64.b64encode(f"{user}:{password}".encode())

    def handle(client: socket.socket) -> None:
        lines = read_until(client, b"\r\n\r\n").split(b"\r\n")
        method, target, _ = lines[0].split(b" ")
        headers = dict(line.split(b": ", 1) for line in lines[1:] if line)
        if method != b"CONNECT" or headers.get(b"Proxy-Authorization") != wanted:
            passed.refused += 1
            client.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b'Proxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
            )
            return
        host, port = target.decode().rsplit(":", 1)
        passed.targets.append(target.decode())
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        passed.pass_on(client, host, int(port))

    return serving(handle, "http", passed)


def socks_proxy() -> contextlib.AbstractContextManager[Passed]:
    """SOCKS5 (RFC 1928) without authentication: CONNECT to an IPv4 address or a name."""
    passed = Passed()

    def handle(client: socket.socket) -> None:
        version, methods = read_exactly(client, 2)
        assert version == 5 and 0 in read_exactly(client, methods)
        client.sendall(b"\x05\x00")
        _, command, _, kind = read_exactly(client, 4)
        assert command == 1 and kind in (1, 3)
        if kind == 1:
            host = socket.inet_ntoa(read_exactly(client, 4))
        else:
            host = read_exactly(client, read_exactly(client, 1)[0]).decode()
        port = int.from_bytes(read_exactly(client, 2), "big")
        passed.targets.append(f"{host}:{port}")
        client.sendall(b"\x05\x00\x00\x01" + bytes(6))
        passed.pass_on(client, host, port)

    return serving(handle, "socks5h", passed)


def make_authority(folder: Path, name: str) -> Path:
    """A private authority; its certificate is what clients are to trust."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", str(key)]
    subprocess.run([*command, "-out", str(certificate)], check=True, capture_output=True)
    return certificate


def make_certificate(folder: Path, authority: Path, names: str) -> tuple[Path, Path]:
    """For a server of those names ("IP:127.0.0.1,DNS:..."), signed by the authority; with its
    key."""
    key, request, certificate = (folder / f"server.{end}" for end in ("key", "csr", "pem"))
    command = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(request)]
    subprocess.run(command, check=True, capture_output=True)
    extension = folder / "names.txt"
    extension.write_text(f"subjectAltName={names}\n")
    command = ["openssl", "x509", "-req", "-in", str(request), "-CA", str(authority)]
    command += ["-CAkey", str(authority.with_suffix(".key")), "-CAcreateserial", "-days", "2"]
    command += ["-extfile", str(extension), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def make_server_context(folder: Path, authority: Path) -> ssl.SSLContext:
    """A server of 127.0.0.1 whose certificate the authority signed."""
    certificate, key = make_certificate(folder, authority, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def tls_front(
    address: tuple[str, int], context: ssl.SSLContext
) -> contextlib.AbstractContextManager[Passed]:
    """https in front of a plain server."""
    passed = Passed()

    def handle(client: socket.socket) -> None:
        try:
            secured = context.wrap_socket(client, server_side=True)
        except (ssl.SSLError, OSError):
            passed.refused += 1  # the client does not trust our authority
            return
        passed.targets.append("%s:%d" % address)
        port_mapping.pass_through(secured, address)

    return serving(handle, "https", passed)
