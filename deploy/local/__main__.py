"""`make up`: starts the whole system in the foreground; Ctrl-C stops all of it.

supervisord runs the processes and starts again what dies. This program prepares the data folder,
watches, and keeps `endpoints.json` current.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from contextlib import suppress
from pathlib import Path
from types import FrameType

from supervisor.xmlrpc import SupervisorTransport

from local import endpoints
from local.home import Home
from local.ports import Ports
from local.programs import Stack, socket_file, stack, supervisor_conf

_LOOK_WHILE_STARTING_SECONDS = 0.25
_LOOK_SECONDS = 1.0
"""Each look asks supervisord, which costs both some milliseconds."""
_READY_SECONDS = 120.0
_STOP_SECONDS = 25.0


class _Stop(Exception):
    """Ctrl-C or SIGTERM."""


def main() -> int:
    """Run until told to stop; 0 when all went down in order."""
    home = Home(Path(os.environ.get("POSTBUS_HOME", ".postbus")).resolve())
    ports = Ports(int(os.environ.get("POSTBUS_PORT_BASE", "8025")))
    home.prepare(ports)
    running = stack(home, ports, os.environ)
    taken = [port for port in _ports(ports, running) if _is_taken(port)]
    if taken:
        print(f"Ports {taken} are in use. Stop what runs there, or set POSTBUS_PORT_BASE.")
        return 1
    conf = home.folder / "run" / "supervisord.conf"
    conf.touch(mode=0o600)
    conf.write_text(supervisor_conf(home, running))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)
    command = [str(Path(sys.executable).parent / "supervisord"), "-c", str(conf)]
    supervisord = subprocess.Popen(
        command,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - this program has no threads
    )
    try:
        _watch(home, ports, running, supervisord)
    except _Stop:
        print("\nStopping …", flush=True)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        code = _stop(supervisord)
        (home.folder / "endpoints.json").unlink(missing_ok=True)
    print("Stopped. Your data is in", home.folder)
    return code


def _watch(
    home: Home, ports: Ports, running: Stack, supervisord: "subprocess.Popen[bytes]"
) -> None:
    print("Starting Postbus …", flush=True)
    file = home.folder / "endpoints.json"
    written = None
    ready = False
    deadline = time.monotonic() + _READY_SECONDS
    while supervisord.poll() is None:
        document = endpoints.endpoints(home, ports, running, _pids(home), ready=ready)
        if not ready:
            problems = endpoints.not_ready(document)
            ready = not problems
            if ready:
                document["ready"] = True
                _say_hello(home, document)
            elif time.monotonic() > deadline:
                print("Not ready yet; see the logs in", home.logs, problems, flush=True)
                deadline = time.monotonic() + _READY_SECONDS
        if document != written:
            endpoints.write(file, document)
            written = document
        time.sleep(_LOOK_SECONDS if ready else _LOOK_WHILE_STARTING_SECONDS)
    print("supervisord ended; see", home.logs / "supervisord.log")


def _pids(home: Home) -> dict[str, int]:
    proxy = xmlrpc.client.ServerProxy(
        "http://127.0.0.1", transport=SupervisorTransport(None, None, f"unix://{socket_file(home)}")
    )
    with suppress(OSError, xmlrpc.client.Error):
        found = proxy.supervisor.getAllProcessInfo()
        if isinstance(found, list):
            return {str(one["name"]): int(one["pid"]) for one in found}
    return {}


def _say_hello(home: Home, document: dict[str, object]) -> None:
    smtp = document["smtp_in"]
    print(
        f"""
Postbus is up.

  config API     {document["config_api"]}/api/v1
  ticketing API  {document["ticketing_api"]}/api/v1
  mail in        smtp://{smtp}    creation address: support@postbus.localhost
  mail out       {document["outbox_maildir"]}    (caught, nothing leaves this machine)
  events         {document["nats"]!s}
  everything     {home.folder / "endpoints.json"}
  logs           {home.logs}

Send a first mail:

  swaks --server {smtp} --from anna@example.com --to support@postbus.localhost \\
    --header "Subject: Printer on fire" --body "Help."

Ctrl-C stops all of it; the data stays.
""",
        flush=True,
    )


def _stop(supervisord: "subprocess.Popen[bytes]") -> int:
    if supervisord.poll() is None:
        supervisord.terminate()
    try:
        supervisord.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisord.kill()
        print("Some processes did not stop in time.")
        return 1
    return 0


def _ports(ports: Ports, running: Stack) -> list[int]:
    own = {"nats": [ports.nats, ports.nats_monitor], "mongodb": [ports.mongodb]}
    listening = [ports.smtp_in, ports.outbox]
    for program in running.servers:
        listening += own.get(program.name, [])
    listening += [ports.health(one.name) for one in running.services if not one.once]
    return listening


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _on_signal(_: int, __: FrameType | None) -> None:
    raise _Stop


def _end_with_parent() -> None:
    """Should this program be killed, supervisord still stops everything in order (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL("libc.so.6").prctl(pr_set_pdeathsig, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
