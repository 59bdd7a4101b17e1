"""A real MongoDB wire server for tests: the one MONGODB_URL names, or a local one."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from servers.nats import end_server, free_port, program, run_server


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
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        disk = ["--sync-on-commit", "--storage-path", str(self.folder)]
        self.process = run_server([program("secantusd-py"), *where, *disk], port=self.port)
        return self

    def stop(self, *, kill: bool = False) -> None:
        end_server(self.process, kill=kill)
        self.process = None
