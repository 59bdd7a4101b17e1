"""The whole local stack as `make up` starts it, on ports and in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import xmlrpc.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from local.home import Home
from local.programs import socket_file
from supervisor.xmlrpc import SupervisorTransport

from servers.nats import die_with_parent, free_port

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class LocalStack:
    """`python -m local`, its endpoints, and what a user does with them; or another `module`."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    module: str = "local"
    process: "subprocess.Popen[bytes] | None" = None
    base: int = 0

    def start(self, *, seconds: float = 90) -> "LocalStack":
        self.base = self.base or free_base()
        with (self.home.parent / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                cwd=REPOSITORY,
                env={
                    **os.environ,
                    "PYTHONPATH": "deploy",
                    "POSTBUS_HOME": str(self.home),
                    "POSTBUS_PORT_BASE": str(self.base),
                    **self.environment,
                },
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        self.until(lambda: self.endpoints.get("ready"), seconds=seconds, what="ready")
        return self

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        code, self.process = self.process.wait(40), None
        return code

    @contextmanager
    def _supervisor(self) -> Iterator[Any]:
        transport = SupervisorTransport(None, None, f"unix://{socket_file(Home(self.home))}")
        with closing(transport):
            yield xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    @property
    def endpoints(self) -> dict[str, Any]:
        try:
            return json.loads((self.home / "endpoints.json").read_text())
        except (OSError, ValueError):
            if self.process is not None and self.process.poll() is not None:
                log = (self.home.parent / "up.log").read_text()
                raise AssertionError(f"the stack ended: {log[-2000:]}") from None
            return {}

    def address(self, name: str) -> tuple[str, int]:
        host, _, port = self.endpoints[name].rpartition(":")
        return host, int(port)

    def kill(self, name: str) -> None:
        """SIGKILL one process, and wait until the supervisor has started it again."""
        before = self.endpoints["pids"][name]
        os.kill(before, signal.SIGKILL)
        self.until(lambda: self.endpoints["pids"].get(name, before) != before, what=f"{name} again")

    def kill_for_good(self, name: str) -> None:
        """SIGKILL a service, which stays away until `start_again`."""
        pid = self.endpoints["pids"][name]
        # Told first, or it would be started again at once; it dies before it can stop in order.
        os.kill(pid, signal.SIGSTOP)
        with self._supervisor() as supervisor:
            supervisor.stopProcess(f"services:{name}", False)
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: name not in self.endpoints["pids"], what=f"{name} gone")

    def start_again(self, name: str) -> None:
        with self._supervisor() as supervisor:
            supervisor.startProcess(f"services:{name}")
        url = self.endpoints["health"][name]
        self.until(lambda: _status(url) == 200, seconds=60, what=f"{name} ready")

    def wait_ready(self) -> None:
        """Every service says that it is ready."""
        for name, url in self.endpoints["health"].items():
            self.until(lambda url=url: _status(url) == 200, seconds=60, what=f"{name} ready")

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        admin: bool = False,
        headers: dict[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        """Ask the ticketing API, or with `admin` the config API."""
        ends = self.endpoints
        base = ends["config_api" if admin else "ticketing_api"]
        token = token if token is not None else ends["admin_token" if admin else "agent_token"]
        request = urllib.request.Request(
            f"{base}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return _answer(answer.status, answer.read(), answer.headers)
        except HTTPError as error:
            with error:
                return _answer(error.code, error.read(), error.headers)

    def widen_fuses(self) -> None:
        """Let more receipts leave in ten minutes than a house sends that is new (L17)."""
        wide, whatever = {"fuse_ten_minutes": 10_000}, {"If-Match": "*"}
        answer = self.api("PATCH", "loop-limits", wide, admin=True, headers=whatever)
        assert answer.status == 200, answer.body

    def outbox(self) -> list[EmailMessage]:
        """The mails that left through the relay, oldest first."""
        folder = Path(self.endpoints["outbox_maildir"]) / "new"
        files = sorted(folder.glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    def mails_to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.outbox() if address in str(mail["To"])]

    def until(self, condition: Any, *, seconds: float = 30, what: str = "it") -> Any:
        """Wait for something true and give it back."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if found := condition():
                    return found
            except (URLError, OSError, KeyError, ConnectionError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds} s for {what}")

    def ticket_titled(self, title: str, *, seconds: float = 30) -> dict[str, Any]:
        """The one ticket of that title, as soon as it is there."""

        def found() -> Any:
            items = self.api("GET", "tickets?limit=200").body["items"]
            return [ticket for ticket in items if ticket["title"] == title]

        tickets = self.until(found, seconds=seconds, what=f"a ticket {title}")
        assert len(tickets) == 1, tickets
        return tickets[0]

    def messages(self, number: int) -> list[dict[str, Any]]:
        return self.api("GET", f"tickets/{number}/messages").body["items"]

    def reply(self, number: int, text: str, *, key: str, **more: Any) -> Answer:
        return self.api(
            "POST",
            f"tickets/{number}/replies",
            {"text": text, **more},
            headers={"Idempotency-Key": key},
        )


def _answer(status: int, data: bytes, headers: Any) -> Answer:
    kind = headers.get("Content-Type", "")
    body = json.loads(data) if "json" in kind and data else data
    return Answer(status, body, {key.lower(): value for key, value in headers.items()})


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def free_base() -> int:
    """A base below the ephemeral ports, so that no outgoing connection takes one of its ports."""
    return 10_000 + (free_port() * 16 + os.getpid()) % 20_000
