"""What goes wrong on demand: storms of 429, errors, connections that break."""

import threading
import time
from dataclasses import dataclass, field

from servers.graph.errors import GraphError
from servers.graph.limits import too_many

WORDS = {
    500: "InternalServerError",
    502: "BadGateway",
    503: "serviceUnavailable",
    504: "GatewayTimeout",
    507: "ErrorQuotaExceeded",
}


@dataclass
class _Failure:
    left: int
    status: int
    code: str
    where: str
    headers: dict[str, str]


@dataclass
class Faults:
    """Set by tests, used up by requests. `where` is a part of the method and path, all if empty."""

    storms: int = 0
    """Requests that a storm refused."""
    _storm_until: float = 0.0
    _storm_left: int = 0
    _storm_retry_after: float | None = None
    _failures: list[_Failure] = field(default_factory=list)
    _lost: list[str] = field(default_factory=list)
    _cut_answers: list[int] = field(default_factory=list)
    _cut_requests: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ordered(self) -> int:
        """What no request has met yet, storms apart."""
        with self._lock:
            some = (*self._lost, *self._cut_answers, *self._cut_requests)
            return len(some) + sum(one.left for one in self._failures)

    def storm(
        self,
        *,
        seconds: float = 0.0,
        requests: int = 0,
        retry_after_seconds: float | None = 1,
    ) -> None:
        """Refuse everything by 429, for a time or for a number of requests."""
        with self._lock:
            self._storm_until = time.monotonic() + seconds
            self._storm_left = requests
            self._storm_retry_after = retry_after_seconds

    def fail_next(
        self,
        times: int,
        status: int,
        *,
        code: str = "",
        where: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        """The next requests end in an error, before anything is done."""
        word = code or WORDS.get(status, "UnknownError")
        with self._lock:
            self._failures.append(_Failure(times, status, word, where, headers or {}))

    def lose_answer(self, where: str = "") -> None:
        """The next request is done, and its answer never arrives."""
        with self._lock:
            self._lost.append(where)

    def break_answer_after(self, count: int) -> None:
        """The next answer with more bytes than this ends there."""
        with self._lock:
            self._cut_answers.append(count)

    def break_request_after(self, count: int) -> None:
        """The connection of the next request with a longer body ends there."""
        with self._lock:
            self._cut_requests.append(count)

    def check(self, method: str, path: str) -> None:
        """Raise what a test has ordered."""
        asked = f"{method} {path}"
        with self._lock:
            if self._storm_left > 0 or time.monotonic() < self._storm_until:
                self._storm_left = max(0, self._storm_left - 1)
                self.storms += 1
                raise too_many("Too many requests.", self._storm_retry_after)
            for failure in self._failures:
                if failure.where in asked:
                    failure.left -= 1
                    if failure.left <= 0:
                        self._failures.remove(failure)
                    raise GraphError(
                        failure.status, failure.code, "Ordered.", headers=failure.headers
                    )

    def answer_is_lost(self, method: str, path: str) -> bool:
        asked = f"{method} {path}"
        with self._lock:
            for where in self._lost:
                if where in asked:
                    self._lost.remove(where)
                    return True
        return False

    def cut_answer(self, length: int) -> int | None:
        return self._cut(self._cut_answers, length)

    def cut_request(self, length: int) -> int | None:
        return self._cut(self._cut_requests, length)

    def _cut(self, cuts: list[int], length: int) -> int | None:
        with self._lock:
            if cuts and length > cuts[0]:
                return cuts.pop(0)
        return None
