"""The processes of the local stack, as supervisord runs them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.home import Home
from local.ports import Ports
from postbus.bus.permissions import SETUP_USER
from postbus.bus.topology import TOPOLOGY

SERVICE_MODULES = {
    "config": "config_service",
    "ticketing": "ticketing",
    "loopguard": "loopguard",
    "dispatch": "dispatch",
    "ingest-forward": "ingest_forward",
    "ingest-imap": "ingest_imap",
    "ingest-graph": "ingest_graph",
}
_LARGEST_MAIL_BYTES = 150 * 1024 * 1024


@dataclass(frozen=True)
class Program:
    """One process; `once` ends by itself, the others are started again whenever they end."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False


@dataclass(frozen=True)
class Stack:
    """What is to run: servers first to start and last to stop."""

    servers: tuple[Program, ...]
    services: tuple[Program, ...]
    mongodb_url: str
    nats_url: str
    blob_url: str


def stack(home: Home, ports: Ports, environment: Mapping[str, str]) -> Stack:
    """The programs, given the data folder and the settings of the environment."""
    nats_url = environment.get("NATS_URL", f"nats://127.0.0.1:{ports.nats}")
    # Retryable writes make the local server slower with every write; a real MongoDB keeps them on.
    local_mongodb = f"mongodb://127.0.0.1:{ports.mongodb}/?retryWrites=false&w=1&journal=true"
    mongodb_url = environment.get("MONGODB_URL", local_mongodb)
    servers = []
    if "NATS_URL" not in environment:
        servers.append(Program("nats", (_bin("nats-server"), "-c", str(home.keys / "nats.conf"))))
    if "MONGODB_URL" not in environment:
        servers.append(_mongodb(home, ports))
    servers.append(_outbox(home, ports))
    blob_url = environment.get("BLOB_URL", (home.folder / "blobs").as_uri())
    shared = {
        "NATS_URL": nats_url,
        "BLOB_URL": blob_url,
        "LOG_FORMAT": "json",
        "GRACEFUL_SECONDS": "6",
    }
    own = _own_settings(home, ports, mongodb_url)
    setup = {"NATS_URL": nats_url} | _seed(home, SETUP_USER, environment)
    services = [
        Program("setup", (sys.executable, "-m", "postbus.bus.apply"), setup, once=True),
        *(
            Program(
                name,
                (sys.executable, "-m", SERVICE_MODULES[name]),
                shared
                | {"HTTP_PORT": str(ports.health(name))}
                | own.get(name, {})
                | _seed(home, name, environment),
            )
            for name in TOPOLOGY.services
        ),
    ]
    return Stack(tuple(servers), tuple(services), mongodb_url, nats_url, blob_url)


def supervisor_conf(home: Home, running: Stack) -> str:
    """The configuration of supervisord: two groups, so that services stop before servers."""
    run = home.folder / "run"
    parts = [
        (
            f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile={home.logs}/supervisord.log\n"
            f"pidfile={run}/supervisord.pid\nchildlogdir={home.logs}\nminfds=1024\n"
        ),
        f"[unix_http_server]\nfile={socket_file(home)}\nchmod=0700\n",
        (
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory="
            "supervisor.rpcinterface:make_main_rpcinterface\n"
        ),
    ]
    for group, programs, priority in (
        ("servers", running.servers, 1),
        ("services", running.services, 2),
    ):
        names = ",".join(program.name for program in programs)
        parts.append(f"[group:{group}]\nprograms={names}\npriority={priority}\n")
        parts += [_section(program, home.logs) for program in programs]
    return "\n".join(parts)


def socket_file(home: Home) -> Path:
    """Where supervisord listens for questions."""
    return home.folder / "run" / "supervisor.sock"


def _section(program: Program, logs: Path) -> str:
    environment = ",".join(
        f'{key}="{_escaped(value)}"' for key, value in program.environment.items()
    )
    command = " ".join(f'"{_escaped(word)}"' for word in program.command)
    restart = (
        "autorestart=unexpected\nexitcodes=0\nstartsecs=0\n"
        if program.once
        else "autorestart=true\nstartsecs=1\n"
    )
    return (
        f"[program:{program.name}]\ncommand={command}\nenvironment={environment}\n{restart}"
        "startretries=1000\nstopsignal=TERM\nstopwaitsecs=10\nstopasgroup=false\nkillasgroup=true\n"
        f"redirect_stderr=true\nstdout_logfile={logs}/{program.name}.log\n"
        "stdout_logfile_maxbytes=20MB\nstdout_logfile_backups=2\n"
    )


def _own_settings(home: Home, ports: Ports, mongodb_url: str) -> dict[str, dict[str, str]]:
    stamp_keys = str(home.keys / "stamp.keys")
    return {
        "config": {
            "BOOTSTRAP_TOKENS_FILE": str(home.keys / "tokens.json"),
            "SECRETS_PUBLIC_KEY_FILE": str(home.keys / "sealing.public"),
            "FORWARD_DOOR": f"127.0.0.1:{ports.smtp_in}",
            "STAMP_KEYS_FILE": stamp_keys,
            "PUBLIC_URL": f"http://127.0.0.1:{ports.health('config')}",
            "ALLOW_PRIVATE_HOSTS": "true",
        },
        "ticketing": {"MONGODB_URL": mongodb_url, "STAMP_KEYS_FILE": stamp_keys},
        "dispatch": {
            "RELAY_URL": f"smtp://127.0.0.1:{ports.outbox}",
            "SECRETS_PRIVATE_KEY_FILE": str(home.keys / "sealing.private"),
            "INSTANCE": "local-dispatch",
            "ALLOW_PRIVATE_HOSTS": "true",
        },
        "ingest-forward": {"SMTP_PORT": str(ports.smtp_in), "STAMP_KEYS_FILE": stamp_keys},
        "ingest-imap": {
            "SECRETS_PRIVATE_KEY_FILE": str(home.keys / "sealing.private"),
            "STAMP_KEYS_FILE": stamp_keys,
            "INSTANCE": "local-ingest-imap",
            "ALLOW_PRIVATE_HOSTS": "true",
        },
        "ingest-graph": {
            "SECRETS_PRIVATE_KEY_FILE": str(home.keys / "sealing.private"),
            "STAMP_KEYS_FILE": stamp_keys,
            "INSTANCE": "local-ingest-graph",
            "ALLOW_PRIVATE_HOSTS": "true",
        },
        "loopguard": {},
    }


def _mongodb(home: Home, ports: Ports) -> Program:
    """A MongoDB wire server as a process of its own; never imported, never shipped."""
    command = (
        _bin("secantusd-py"),
        "--host",
        "127.0.0.1",
        "--port",
        str(ports.mongodb),
        "--storage-path",
        str(home.folder / "mongodb"),
        "--sync-on-commit",
    )
    return Program("mongodb", command)


def _outbox(home: Home, ports: Ports) -> Program:
    """Catches all mail that leaves through the relay: SMTP in, Maildir out."""
    command = (
        sys.executable,
        "-m",
        "aiosmtpd",
        "--nosetuid",
        "--listen",
        f"127.0.0.1:{ports.outbox}",
        "--size",
        str(_LARGEST_MAIL_BYTES),
        "--smtputf8",
        "--class",
        "aiosmtpd.handlers.Mailbox",
        str(home.outbox),
    )
    return Program("outbox", command)


def _seed(home: Home, user: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The NATS user of a process; with a NATS of your own, seeds come from NATS_SEEDS_DIR."""
    if "NATS_URL" not in environment:
        return {"NATS_SEED_FILE": str(home.seed_file(user))}
    folder = environment.get("NATS_SEEDS_DIR")
    return {"NATS_SEED_FILE": str(Path(folder) / f"nats-{user}.seed")} if folder else {}


def _bin(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _escaped(text: str) -> str:
    """Supervisord expands %(…)s in values and splits at quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
