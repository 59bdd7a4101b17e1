"""A real IMAP server: Dovecot, with Maildirs, on ports of its own."""

import grp
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from builders import raw_mail
from servers.nats import end_server, free_port, run_server
from servers.smtp import CERTIFICATE

PASSWORD = "secret"
_IS_ROOT = os.getuid() == 0
OWNER = "nobody" if _IS_ROOT else pwd.getpwuid(os.getuid()).pw_name
"""Whose the mails are: root may not be."""
GROUP = grp.getgrgid(pwd.getpwnam(OWNER).pw_gid).gr_name


def owner_ids() -> tuple[int, int]:
    """User and group id of `OWNER`, for those who deliver."""
    entry = pwd.getpwnam(OWNER)
    return entry.pw_uid, entry.pw_gid


def mail(name: str, *, size_bytes: int = 0) -> bytes:
    """A mail of that name, written just now."""
    body = f"This is {name}.\n" + ("." * 69 + "\n") * (size_bytes // 70)
    headers = {
        "Subject": name,
        "Message-ID": f"<{name.replace(' ', '-')}@example.com>",
        "Date": formatdate(),
    }
    return raw_mail(headers, body)


_AS_ONE_USER = "\n".join(
    f"default_{name} = {OWNER}" for name in ("internal_user", "internal_group", "login_user")
)
"""Without root, all parts of the server are one user."""


@dataclass
class Dovecot:
    """One server; users are made when mail is put into their mailboxes, or by `add_user`."""

    options: str = ""
    tokeninfo_url: str = ""
    """Where access tokens are looked up, for XOAUTH2; empty: no such sign-in."""
    folder: Path = field(init=False)
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    _delivered: int = 0

    def start(self) -> "Dovecot":
        if not hasattr(self, "folder"):
            # Not below pytest's folder, which nobody but its owner may enter.
            self.folder = Path(tempfile.mkdtemp(prefix="postbus-dovecot-"))
            self.folder.chmod(0o755)
            for name in ("run", "mail"):
                (self.folder / name).mkdir()
            shutil.chown(self.folder / "mail", OWNER)
            (self.folder / "users").touch()
        (self.folder / "oauth2.conf").write_text(
            f"tokeninfo_url = {self.tokeninfo_url}\nusername_attribute = email\n"
            f"tls_ca_cert_file = {CERTIFICATE}\n"
        )
        (self.folder / "dovecot.conf").write_text(self._conf())
        command = ["/usr/sbin/dovecot", "-F", "-c", str(self.folder / "dovecot.conf")]
        self.process = run_server(command, port=self.port)
        return self

    def stop(self, *, kill: bool = False) -> None:
        end_server(self.process, kill=kill)
        self.process = None

    def remove(self) -> None:
        """Stop, and leave nothing behind; AssertionError where it had ended by itself."""
        code = self.process.poll() if self.process is not None else None
        log = self.folder / "dovecot.log"
        said = log.read_text(errors="replace")[-2000:] if code is not None and log.exists() else ""
        if self.process is not None and code is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert code is None, f"dovecot ended by itself with {code}: {said}"

    def add_user(self, user: str, password: str = PASSWORD) -> None:
        """A mailbox; given again, its password changes."""
        file = self.folder / "users"
        lines = [line for line in file.read_text().splitlines() if line.split(":")[0] != user]
        file.write_text("".join(f"{line}\n" for line in [*lines, f"{user}:{{PLAIN}}{password}"]))

    def maildir(self, user: str, folder: str = "INBOX") -> Path:
        """The Maildir of a folder, made if it is missing."""
        root = self.folder / "mail" / user / "Maildir"
        path = root if folder == "INBOX" else root / f".{folder}"
        if not (path / "new").exists():
            for name in ("new", "cur", "tmp"):
                (path / name).mkdir(parents=True, exist_ok=True)
            for one in (root.parent, root, path, *path.iterdir()):
                shutil.chown(one, OWNER, GROUP)
        return path

    def deliver(
        self,
        user: str,
        mail: EmailMessage | bytes,
        *,
        folder: str = "INBOX",
        at: float | None = None,
    ) -> Path:
        """Put a mail into a mailbox as a delivery agent does; `at` is when it arrives."""
        self._delivered += 1
        name = f"{time.time():.6f}.{os.getpid()}_{self._delivered}.test"
        path = self.maildir(user, folder)
        temporary = path / "tmp" / name
        temporary.write_bytes(mail if isinstance(mail, bytes) else mail.as_bytes())
        shutil.chown(temporary, OWNER, GROUP)
        if at is not None:
            os.utime(temporary, (at, at))
        return temporary.rename(path / "new" / name)

    def mails(self, user: str, folder: str = "INBOX") -> list[EmailMessage]:
        """What lies in a folder, oldest first."""
        path = self.maildir(user, folder)
        files = [file for name in ("new", "cur") for file in (path / name).iterdir()]
        files.sort(key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    def _conf(self) -> str:
        run = self.folder / "run"
        return f"""
protocols = imap
listen = 127.0.0.1
base_dir = {run}
state_dir = {run}
log_path = {self.folder}/dovecot.log
{"" if _IS_ROOT else _AS_ONE_USER}
ssl = yes
ssl_cert = <{CERTIFICATE}
ssl_key = <{CERTIFICATE}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_max_userip_connections = 5000
maildir_stat_dirs = yes
mailbox_idle_check_interval = 2 secs
passdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
userdb {{
  driver = static
  args = uid={OWNER} gid={GROUP} home={self.folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = {self.tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{self._by_token() if self.tokeninfo_url else ""}
{self.options}
"""

    def _by_token(self) -> str:
        return f"""
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {self.folder}/oauth2.conf
}}
"""
