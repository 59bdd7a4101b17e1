"""A real mail server of a provider: Postfix in front of the mailboxes of a Dovecot.

It has its configuration, queue and data in a folder of its own and listens on 127.0.0.1 only.
Everything is local: it knows no DNS, and gives mail to its mailboxes and to `forwards` alone.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from servers.dovecot import Dovecot, owner_ids
from servers.nats import end_server, free_port, run_server, wait_for_port
from servers.smtp import CERTIFICATE

_PROGRAMS = Path("/usr/lib/postfix/sbin")


def sasl_listener(port: int) -> str:
    """For `Dovecot.options`: lets Postfix ask about sign-ins (SASL) at that port."""
    return f"""
service auth {{
  inet_listener postfix {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


@dataclass
class Postfix:
    """`forwards` are addresses whose mail goes on to (address, port on 127.0.0.1)."""

    dovecot: Dovecot
    sasl_port: int
    mailboxes: tuple[str, ...]
    forwards: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    folder: Path = field(init=False)
    port: int = field(default_factory=free_port)
    """Where other servers bring mail, as at port 25."""
    submission_port: int = field(default_factory=free_port)
    """STARTTLS and a sign-in, as at port 587."""
    submissions_port: int = field(default_factory=free_port)
    """TLS from the first byte and a sign-in, as at port 465."""
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> "Postfix":
        # Not below pytest's folder: the user `postfix` must be able to enter.
        self.folder = Path(tempfile.mkdtemp(prefix="postbus-postfix-"))
        self.folder.chmod(0o755)
        for name in ("queue", "data", "conf"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        conf = self.folder / "conf"
        (conf / "main.cf").write_text(self._main())
        (conf / "master.cf").write_text(self._master())
        self._tables()
        command = ["/usr/sbin/postfix", "-c", str(conf), "check"]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        master = [str(_PROGRAMS / "master"), "-c", str(conf), "-d"]
        self.process = run_server(master, port=self.port)
        for port in (self.submission_port, self.submissions_port):
            wait_for_port(port)
        return self

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        end_server(self.process, kill=False)
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def _tables(self) -> None:
        tables = {
            "mailboxes": {one: f"{one}/Maildir/" for one in self.mailboxes},
            "forwards": {one: to for one, (to, _) in self.forwards.items()},
            "routes": {to: f"smtp:[127.0.0.1]:{port}" for to, port in self.forwards.values()},
        }
        for name, rows in tables.items():
            text = "".join(f"{key} {value}\n" for key, value in rows.items())
            (self.folder / "conf" / name).write_text(text)

    def _main(self) -> str:
        conf = self.folder / "conf"
        user, group = owner_ids()
        own = [*self.mailboxes, *self.forwards]
        domains = dict.fromkeys(one.partition("@")[2] for one in own)
        return f"""
compatibility_level = 3.6
config_directory = {conf}
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
myhostname = mx.provider.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
alias_maps =
local_recipient_maps =
mydestination =
mynetworks =
virtual_mailbox_domains = {" ".join(domains)}
virtual_mailbox_base = {self.dovecot.folder}/mail
virtual_mailbox_maps = texthash:{conf}/mailboxes
virtual_alias_maps = texthash:{conf}/forwards
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
virtual_minimum_uid = 1
transport_maps = texthash:{conf}/routes
smtpd_tls_chain_files = {self._key_first()}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{self.sasl_port}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_delay_open_until_valid_rcpt = no
smtpd_error_sleep_time = 0
"""

    def _key_first(self) -> Path:
        """The file of the certificate in the order that Postfix wants."""
        text = CERTIFICATE.read_text()
        begin = text.index("-----BEGIN PRIVATE KEY-----")
        path = self.folder / "conf" / "chain.pem"
        path.touch(mode=0o600)
        path.write_text(f"{text[begin:]}\n{text[:begin]}")
        return path

    def _master(self) -> str:
        signed_in = (
            "  -o smtpd_sasl_auth_enable=yes\n"
            "  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject\n"
        )
        submission = f"127.0.0.1:{self.submission_port} inet n - n - - smtpd\n"
        submissions = f"127.0.0.1:{self.submissions_port} inet n - n - - smtpd\n"
        return (
            f"127.0.0.1:{self.port} inet n - n - - smtpd\n"
            f"{submission}  -o smtpd_tls_security_level=encrypt\n{signed_in}"
            f"{submissions}  -o smtpd_tls_wrappermode=yes\n{signed_in}"
            "cleanup unix n - n - 0 cleanup\n"
            "qmgr unix n - n 300 1 qmgr\n"
            "tlsmgr unix - - n 1000? 1 tlsmgr\n"
            "rewrite unix - - n - - trivial-rewrite\n"
            "bounce unix - - n - 0 bounce\n"
            "defer unix - - n - 0 bounce\n"
            "trace unix - - n - 0 bounce\n"
            "verify unix - - n - 1 verify\n"
            "proxymap unix - - n - - proxymap\n"
            "smtp unix - - n - - smtp\n"
            "error unix - - n - - error\n"
            "retry unix - - n - - error\n"
            "discard unix - - n - - discard\n"
            "virtual unix - n n - - virtual\n"
            "anvil unix - - n - 1 anvil\n"
            "scache unix - - n - 1 scache\n"
            "postlog unix-dgram n - n - 1 postlogd\n"
        )
