"""A real MongoDB wire server for tests: the one MONGODB_URL names, or a local one."""

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from servers.nats import die_with_parent, free_port, program, wait_for_port


@dataclass
class MongoServer:
    """One process; restart keeps port and data."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?retryWrites=false&w=1&journal=true"

    def start(self) -> "MongoServer":
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["--host", "127.0.0.1", "--port", str(self.port), "--sync-on-commit"]
        self.process = subprocess.Popen(
            [program("secantusd-py"), *command, "--storage-path", str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        wait_for_port(self.port)
        return self

    def stop(self, *, kill: bool = False) -> None:
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL if kill else signal.SIGTERM)
            self.process.wait(10)
            self.process = None
