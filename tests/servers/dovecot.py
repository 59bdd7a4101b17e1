"""A real IMAP server for tests: one user, Maildir, a folder and ports of its own."""

import os
import pwd
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from servers.nats import end_server, free_port, program, run_server

CERTIFICATE = Path(__file__).parent / "localhost.pem"


@dataclass
class Dovecot:
    """One process; the mails of `anna` lie in `mail`, and her password is `secret`."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    def start(self) -> "Dovecot":
        self.folder.mkdir(parents=True, exist_ok=True)
        me = pwd.getpwuid(os.getuid())
        # Root may not be the user whose mails they are.
        user = pwd.getpwnam("nobody") if me.pw_uid == 0 else me
        group = user.pw_gid
        self.mail.mkdir(exist_ok=True)
        (self.folder / "users").write_text(
            f"anna:{{PLAIN}}secret:{user.pw_uid}:{group}::{self.folder}\n"
        )
        path = self.folder / "dovecot.conf"
        path.write_text(self._config(me.pw_name))
        self.give_away()
        self.process = run_server([program("dovecot"), "-F", "-c", str(path)], port=self.port)
        return self

    def give_away(self) -> None:
        """Make the mails those of the user whom the server reads them as."""
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "nobody", str(self.mail)], check=True)
            for parent in (self.folder, *self.folder.parents):
                if parent.owner() == "root" and str(parent) != "/":
                    parent.chmod(parent.stat().st_mode | 0o011)

    def stop(self, *, kill: bool = False) -> None:
        end_server(self.process, kill=kill)
        self.process = None

    def _config(self, me: str) -> str:
        own = ("internal_user", "internal_group", "login_user")
        # Root starts it as the users of its package; anybody else is all of them.
        users = "" if me == "root" else "\n".join(f"default_{name} = {me}" for name in own)
        return f"""
protocols = imap
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/log
{users}
listen = 127.0.0.1
mail_location = maildir:{self.mail}
first_valid_uid = 1
ssl = yes
ssl_cert = <{CERTIFICATE}
ssl_key = <{CERTIFICATE}
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
userdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {self.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""
