"""The Outlook service's limits per app and mailbox, counted (Graph: "throttling-limits")."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from servers.graph.errors import GraphError

Key = tuple[str, str]
"""App id and mailbox."""


@dataclass
class _Use:
    running: int = 0
    requests: deque[float] = field(default_factory=deque)
    uploads: deque[tuple[float, int]] = field(default_factory=deque)


@dataclass
class Limits:
    """What is allowed, and what was taken."""

    at_once: int = 4
    requests: int = 10_000
    request_window_seconds: float = 600.0
    upload_bytes: int = 150 * 1000 * 1000
    upload_window_seconds: float = 300.0
    retry_after_seconds: int = 1
    peak_concurrency: dict[Key, int] = field(default_factory=dict)
    peak_requests: dict[Key, int] = field(default_factory=dict)
    """Most requests that lay in one window."""
    broken: list[tuple[Key, str]] = field(default_factory=list)
    """Each time a limit was broken, and which: `concurrency`, `requests`, `upload`."""
    _uses: dict[Key, _Use] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def request(self, key: Key, size: int) -> Iterator[None]:
        """Holds a place while a request runs; 429 where there is none."""
        self._take(key, size)
        try:
            yield
        finally:
            with self._lock:
                self._uses[key].running -= 1

    def _take(self, key: Key, size: int) -> None:
        now = time.monotonic()
        with self._lock:
            use = self._uses.setdefault(key, _Use())
            _forget(use, now - self.request_window_seconds, now - self.upload_window_seconds)
            use.requests.append(now)
            uploaded = sum(taken for _, taken in use.uploads) + size
            self.peak_requests[key] = max(self.peak_requests.get(key, 0), len(use.requests))
            at_once = use.running + 1
            self.peak_concurrency[key] = max(self.peak_concurrency.get(key, 0), at_once)
            if at_once > self.at_once:
                self._refuse(key, "concurrency", "MailboxConcurrency")
            if len(use.requests) > self.requests:
                self._refuse(key, "requests", "MailboxRequests")
            if uploaded > self.upload_bytes:
                self._refuse(key, "upload", "MailboxUpload")
            use.uploads.append((now, size))
            use.running += 1

    def _refuse(self, key: Key, limit: str, word: str) -> None:
        self.broken.append((key, limit))
        raise too_many(f"Application is over its {word} limit.", self.retry_after_seconds)


def too_many(message: str, retry_after_seconds: float | None) -> GraphError:
    """429; without `Retry-After` if there is none to tell (Graph: "throttling")."""
    headers = (
        {} if retry_after_seconds is None else {"Retry-After": str(round(retry_after_seconds))}
    )
    return GraphError(429, "ApplicationThrottled", message, headers=headers)


def _forget(use: _Use, requests_before: float, uploads_before: float) -> None:
    while use.requests and use.requests[0] < requests_before:
        use.requests.popleft()
    while use.uploads and use.uploads[0][0] < uploads_before:
        use.uploads.popleft()
