"""A real nats-server for tests: own port, own folder, dies with the test run."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def die_with_parent() -> None:
    """For preexec_fn: a server must not outlive a killed test run (Linux, PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").prctl(1, signal.SIGKILL)


def program(name: str) -> str:
    """A program of this environment, or of the PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise RuntimeError(f"{name} is not installed")
    return found


def wait_for_port(port: int, *, seconds: float = 15) -> None:
    """Return when somebody listens on the port."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as s:
            s.settimeout(0.2)
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on {port}")


def run_server(command: list[str], *, port: int) -> "subprocess.Popen[bytes]":
    """A server process that dies with the test run, once it listens on its port."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )
    wait_for_port(port)
    return process


def end_server(process: "subprocess.Popen[bytes] | None", *, kill: bool) -> None:
    """End a server by its process id, in order or by SIGKILL, and wait for it."""
    if process is not None:
        os.kill(process.pid, signal.SIGKILL if kill else signal.SIGTERM)
        process.wait(10)


@dataclass
class NatsServer:
    """One nats-server process with JetStream; restart keeps port and data."""

    folder: Path
    config: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> "NatsServer":
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "nats.conf"
        path.write_text(
            f'listen: "127.0.0.1:{self.port}"\nmax_payload: 8MB\n'
            f'jetstream {{ store_dir: "{self.folder}" }}\n{self.config}'
        )
        self.process = run_server([program("nats-server"), "-c", str(path)], port=self.port)
        return self

    def stop(self, *, kill: bool = False) -> None:
        end_server(self.process, kill=kill)
        self.process = None
