"""What stands before services in a cluster: ends TLS and passes on to whoever is there."""

import random
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("localhost.pem")
_CHUNK = 65536


class TlsFront:
    """Each connection goes to one of the `ports` that answers; with none it is closed."""

    def __init__(self, ports: Callable[[], Sequence[int]]) -> None:
        self._ports = ports
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(CERTIFICATE)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._chance = random.Random(3)
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"

    def start(self) -> "TlsFront":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(plain, server_side=True) as outside:
            inside = self._reach()
            if inside is None:
                return
            with inside:
                back = threading.Thread(target=_pass_on, args=(inside, outside), daemon=True)
                back.start()
                _pass_on(outside, inside)
                back.join(5)

    def _reach(self) -> socket.socket | None:
        ports = list(self._ports())
        self._chance.shuffle(ports)
        for port in ports:
            with suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), timeout=5)
        return None


def _pass_on(here: socket.socket, there: socket.socket) -> None:
    with suppress(OSError):
        while data := here.recv(_CHUNK):
            there.sendall(data)
    with suppress(OSError):
        there.shutdown(socket.SHUT_WR)
