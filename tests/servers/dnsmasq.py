"""A real name server (dnsmasq) with the TXT records that a test wants."""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.query
import pytest

from servers.debian import needed
from servers.nats import die_with_parent, end_server

_STRING = 255
"""So much has one string of a record (RFC 1035 §3.3.14)."""


@dataclass
class Dnsmasq:
    """Answers on 127.0.0.1; knows nothing but what it is given, and asks nobody."""

    port: int
    process: "subprocess.Popen[bytes] | None" = None

    def stop(self) -> None:
        end_server(self.process, kill=False)
        self.process = None


def dnsmasq(records: Mapping[str, list[str]], *, port: int) -> Dnsmasq:
    """One that is up, with these values by name, long ones cut as DNS wants them."""
    needed("dnsmasq")
    server = Dnsmasq(port)
    command = [
        "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file",
        "--no-hosts", "--no-resolv", "--local=/example.com/", "--user=",
        "--listen-address=127.0.0.1", "--bind-interfaces", f"--port={server.port}",
    ]  # fmt: skip
    for name, values in records.items():
        command += [f"--txt-record={name},{_cut(value)}" for value in values]
    server.process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent
    )
    _wait(server)
    return server


def _cut(value: str) -> str:
    return ",".join(value[at : at + _STRING] for at in range(0, len(value), _STRING))


def _wait(server: Dnsmasq) -> None:
    question = dns.message.make_query("up.example.com", "TXT")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            dns.query.udp(question, "127.0.0.1", timeout=0.2, port=server.port)
        except (dns.exception.DNSException, OSError):
            time.sleep(0.02)
        else:
            return
    pytest.fail("dnsmasq does not answer")
