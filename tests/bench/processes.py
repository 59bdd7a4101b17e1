"""What the processes of a running stack use: CPU and memory, each with its children."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from servers.stack import LocalStack

SERVERS = ("nats", "mongodb", "outbox")
"""Not our code: counted apart."""
SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Usage:
    """CPU seconds by process name, of the bench itself, and of the whole machine, at a time."""

    at: float
    by_name: dict[str, float]
    bench: float
    machine: float

    @classmethod
    def now(cls, processes: "Processes") -> "Usage":
        """Counters since each began; the difference of two is what is used."""
        times = psutil.cpu_times()
        busy = sum(times) - times.idle - getattr(times, "iowait", 0.0)
        # Linux counts a guest's time in `user` as well.
        busy -= getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        return cls(time.time(), processes.cpu_seconds(), time.process_time(), busy)

    def since(self, before: "Usage") -> "Usage":
        """What was used in between; `at` is how long that was."""
        used = {name: spent - before.by_name[name] for name, spent in self.by_name.items()}
        return Usage(
            self.at - before.at, used, self.bench - before.bench, self.machine - before.machine
        )

    @property
    def cores_of_others(self) -> float:
        """How many cores programs that are no part of this used on average."""
        own = sum(self.by_name.values()) + self.bench
        return max(0.0, (self.machine - own) / self.at)


class Processes:
    """The processes of a stack, as `endpoints.json` names them."""

    def __init__(self, stack: LocalStack) -> None:
        assert stack.process is not None
        self._stack = stack
        self._root = psutil.Process(stack.process.pid)
        self._pids: dict[str, int] = self._running()
        self.services = tuple(stack.endpoints["health"])

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time by name, children that ended included."""
        return {name: sum(map(_cpu_seconds, family)) for name, family in self._families()}

    def memory_bytes(self) -> dict[str, int]:
        """Memory by name; a page that processes share counts once, divided among them (PSS)."""
        return {name: sum(map(_pss_bytes, family)) for name, family in self._families()}

    def resident_bytes(self) -> dict[str, int]:
        """The same where a shared page counts in each of them (RSS)."""
        return {name: sum(map(_rss_bytes, family)) for name, family in self._families()}

    def restarted(self) -> list[str]:
        """Processes that are not the ones that were there at first."""
        now = self._running()
        return [name for name, pid in self._pids.items() if now.get(name) != pid]

    def _running(self) -> dict[str, int]:
        pids = self._stack.endpoints["pids"]
        # A program that runs once and ends is no part of the running stack.
        return {name: pid for name, pid in pids.items() if name != "setup"}

    def _families(self) -> Iterable[tuple[str, list[psutil.Process]]]:
        seen = set()
        for name, pid in self._pids.items():
            head = psutil.Process(pid)
            family = [head, *head.children(recursive=True)]
            seen |= {one.pid for one in family}
            yield name, family
        rest = [self._root, *self._root.children(recursive=True)]
        yield SUPERVISOR, [one for one in rest if one.pid not in seen]


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _pss_bytes(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_full_info().pss)
    return 0


def _rss_bytes(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0
