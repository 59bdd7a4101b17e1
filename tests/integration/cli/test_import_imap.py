"""`postbus import --imap` on a real IMAP server: nothing is changed in the mailbox."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from builders import raw_mail
from postbus.connecting import TlsContexts
from postbus.contracts.configuration import TlsMode
from postbus_cli.adapters.imap_source import ImapSource, mailbox_of
from postbus_cli.domain.importing import Lying
from postbus_cli.exits import Cannot
from servers.debian import needed
from servers.dovecot import Dovecot
from servers.smtp import CERTIFICATE

CAME = datetime(2016, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """Five mails in INBOX, one of them large, and one in Archive."""
    needed("dovecot")
    server = Dovecot().start()
    server.add_user("anna")
    for number in range(5):
        put(server, "INBOX", number, size=50_000 if number == 2 else 0)
    put(server, "Archive", 9)
    yield server
    server.remove()


def put(server: Dovecot, folder: str, number: int, *, size: int = 0) -> None:
    raw = raw_mail({"Message-ID": f"<m{number}@x>"}, f"{number}" + "x" * size)
    server.deliver("anna", raw, folder=folder, at=CAME.timestamp() + number)


def opened(
    server: Dovecot, *folders: str, tls: TlsMode = TlsMode.STARTTLS, password: str = "secret"
) -> ImapSource:
    return ImapSource(
        mailbox_of(f"imap://anna@localhost:{server.port}", tls),
        SecretStr(password),
        folders or ("INBOX",),
        contexts=TlsContexts(CERTIFICATE),
        most_bytes=10_000,
    )


def ids(found: list[Lying]) -> list[str]:
    return [one.error or str(one.raw.split(b"<m")[1].split(b"@")[0].decode()) for one in found]


def test_mails_are_read_in_order_and_with_the_dates_of_their_mailbox(dovecot: Dovecot) -> None:
    source = opened(dovecot, "INBOX", "Archive")
    assert source.total({}) == 6
    found = list(source.mails({}))
    source.close()
    assert sorted(ids(found)) == ["0", "1", "3", "4", "9", "it is over 10000 bytes"]
    assert {one.came_at.year for one in found if one.came_at} == {2016}
    assert found[0].raw.startswith(b"From: Anna Jansen")


def test_reading_leaves_no_trace_in_the_mailbox(dovecot: Dovecot) -> None:
    source = opened(dovecot)
    list(source.mails({}))
    source.close()
    mails = dovecot.maildir("anna").rglob("*")
    names = [path.name for path in mails if path.parent.name in ("cur", "new")]
    assert not [name for name in names if ":2," in name and "S" in name.partition(":2,")[2]]


def test_it_goes_on_in_each_folder_behind_the_last_uid(dovecot: Dovecot) -> None:
    source = opened(dovecot, "INBOX", "Archive")
    found = list(source.mails({}))
    for at, one in enumerate(found):
        assert source.can_go_on(one.position)
        assert source.total(one.position) == len(found) - at - 1
        assert ids(list(source.mails(one.position))) == ids(found[at + 1 :])
    renewed = {**found[-1].position, "INBOX": [1, 999]}
    assert len(list(source.mails(renewed))) == 5
    source.close()


def test_without_a_way_in_it_is_said_why(dovecot: Dovecot) -> None:
    with pytest.raises(Cannot, match="does not speak TLS"):
        opened(dovecot, tls=TlsMode.IMPLICIT)
    source = opened(dovecot, "Nowhere", tls=TlsMode.NONE)
    with pytest.raises(Cannot, match="Nowhere"):
        source.total({})
    source.close()
    with pytest.raises(Cannot, match="not trusted"):
        ImapSource(
            mailbox_of(f"imap://anna@localhost:{dovecot.port}", None),
            SecretStr("secret"), ("INBOX",), contexts=TlsContexts(), most_bytes=1,
        )  # fmt: skip
    with pytest.raises(Cannot, match="cannot be reached"):
        ImapSource(
            mailbox_of("imap://anna@127.0.0.1:1", None),
            SecretStr("secret"), ("INBOX",), contexts=TlsContexts(), most_bytes=1,
        )  # fmt: skip
    with pytest.raises(Cannot, match="user name or password"):
        opened(dovecot, password="wrong")


@pytest.mark.parametrize(
    ("url", "name", "tls"),
    [
        ("imaps://anna@example.com@imap.example.com",
         "imaps://anna%40example.com@imap.example.com:993", TlsMode.IMPLICIT),
        ("imap://anna%40example.com@imap.example.com",
         "imap://anna%40example.com@imap.example.com:143", TlsMode.STARTTLS),
        ("imap://anna@localhost:1143", "imap://anna@localhost:1143", TlsMode.STARTTLS),
    ],
)  # fmt: skip
def test_a_mailbox_is_named_by_a_url(url: str, name: str, tls: TlsMode) -> None:
    found = mailbox_of(url, None)
    assert (found.name, found.tls) == (name, tls)
