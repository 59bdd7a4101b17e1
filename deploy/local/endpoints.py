"""`endpoints.json`: where everything is, for programs; kept current while the stack runs."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from local.home import Home
from local.ports import Ports
from local.programs import Stack


def endpoints(
    home: Home, ports: Ports, running: Stack, pids: dict[str, int], *, ready: bool
) -> dict[str, Any]:
    """The document; `desk` is null until there is one."""
    return {
        "ready": ready,
        "config_api": f"http://127.0.0.1:{ports.config}",
        "ticketing_api": f"http://127.0.0.1:{ports.ticketing}",
        "desk": None,
        "smtp_in": f"127.0.0.1:{ports.smtp_in}",
        "outbox_smtp": f"127.0.0.1:{ports.outbox}",
        "outbox_maildir": str(home.outbox),
        "nats": running.nats_url,
        "mongodb": running.mongodb_url,
        "blob_url": running.blob_url,
        "admin_token": home.secret("admin.token"),
        "agent_token": home.secret("agent.token"),
        "subscriber_nats_url": home.subscriber_url(ports),
        "health": {
            program.name: f"http://127.0.0.1:{ports.health(program.name)}/health/ready"
            for program in running.services
            if not program.once
        },
        "pids": {name: pid for name, pid in pids.items() if pid},
    }


def write(path: Path, document: dict[str, Any]) -> None:
    """Replace the file in one step; it holds tokens, so only its owner reads it."""
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(document, indent=2) + "\n")
    beside.replace(path)


def not_ready(document: dict[str, Any]) -> dict[str, str]:
    """Services that are not ready, with what they say."""
    problems = {}
    for name, url in document["health"].items():
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
                pass
        except urllib.error.HTTPError as error:
            problems[name] = error.read().decode(errors="replace")[:200]
        except OSError as error:
            problems[name] = str(error)
    return problems
