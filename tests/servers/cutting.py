"""A way between a client and a server that is cut, held up or left alone, as a test wants."""

import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

_CHUNK = 4096


@dataclass
class Cutting:
    """Forwards connections to a port of this machine; `cut` ends some of them in the middle."""

    target: int
    seed: int = 1
    port: int = 0
    cuts: int = 0
    _pairs: dict[tuple[socket.socket, socket.socket], float] = field(default_factory=dict)
    _fuses: list[int] = field(default_factory=list)
    _closed: bool = False

    def start(self) -> "Cutting":
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self) -> None:
        self._closed = True
        self._listener.close()
        self.cut()

    def cut(self, *, older_than_seconds: float = 0) -> int:
        """End every connection that is so old; how many there were."""
        before = time.monotonic() - older_than_seconds
        with self._lock:
            pairs = [pair for pair, began in self._pairs.items() if began <= before]
            for pair in pairs:
                del self._pairs[pair]
        for pair in pairs:
            _end(*pair)
        self.cuts += len(pairs)
        return len(pairs)

    def cut_after(self, *sizes: int) -> None:
        """End the next connections after so many bytes from the server, one after the other."""
        with self._lock:
            self._fuses += sizes

    def _accept(self) -> None:
        while not self._closed:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            try:
                outer = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                inner.close()
                continue
            pair = (inner, outer)
            with self._lock:
                self._pairs[pair] = time.monotonic()
                fuse = self._fuses.pop(0) if self._fuses else None
            threading.Thread(
                target=self._pump, args=(pair, inner, outer, None), daemon=True
            ).start()
            threading.Thread(
                target=self._pump, args=(pair, outer, inner, fuse), daemon=True
            ).start()

    def _pump(
        self,
        pair: tuple[socket.socket, socket.socket],
        source: socket.socket,
        sink: socket.socket,
        fuse: int | None,
    ) -> None:
        left = fuse
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if left is not None and len(data) >= left:
                    sink.sendall(data[:left])
                    self.cuts += 1
                    break
                left = None if left is None else left - len(data)
                sink.sendall(data)
        with self._lock:
            self._pairs.pop(pair, None)
        _end(*pair)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
