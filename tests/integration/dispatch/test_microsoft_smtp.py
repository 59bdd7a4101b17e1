"""SMTP at Exchange Online: XOAUTH2 with a sign-in of Microsoft."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from dispatch_stage import Stage
from graph_builders import MAILBOX
from postbus.secrets import Sealer, generate_key_pair, write_key_files
from send_builders import send_requested
from servers.microsoft365 import Microsoft365
from servers.microsoft_identity import MicrosoftIdentity
from servers.smtp import Behaviour, SmtpServer

SMTP_SEND = "https://outlook.office.com/SMTP.Send"


class Signed(dict[str, str]):
    """Whose a token is, as the identity platform signed it; one for Graph is nobody's here."""

    def __init__(self, identity: MicrosoftIdentity) -> None:
        super().__init__({"": ""})  # not empty, which to the server is none
        self._identity = identity

    def get(self, token: str, _: object = None) -> str | None:  # type: ignore[override]
        claims = self._identity.claims_of(token)
        if claims is None or "outlook.office" not in claims["aud"]:
            return None
        return str(claims.get("upn") or claims.get("preferred_username"))


@pytest.fixture
def microsoft() -> Iterator[Microsoft365]:
    made = Microsoft365().start()
    made.add_mailbox(MAILBOX)
    yield made
    made.stop()


@pytest.fixture
def exchange(microsoft: Microsoft365) -> Iterator[SmtpServer]:
    server = SmtpServer(
        tls="starttls", behaviour=Behaviour(tokens=Signed(microsoft.identity))
    ).start()
    yield server
    server.stop()


async def channel(stage: Stage, microsoft: Microsoft365, exchange: SmtpServer) -> None:
    pair, file = generate_key_pair(), stage.folder / "sealing.private"
    write_key_files(pair, public_file=stage.folder / "sealing.public", private_file=file)
    kept = SecretStr(microsoft.sign_in(MAILBOX).model_dump_json())
    await stage.keep_secret("own", Sealer(pair.public_key).seal("outbound-channels.own", kept))
    smtp = {"tls": "starttls", "username": MAILBOX, "auth": "xoauth2"}
    await stage.own_channel("smtp", exchange.port, smtp=smtp, from_address=MAILBOX)
    stage.settings |= {
        "secrets_private_key_file": file,
        "tls_ca_file": microsoft.identity.ca_file,
        "retry_delays_seconds": (60,),
    }


async def test_mail_leaves_by_a_token_for_smtp(
    stage: Stage, microsoft: Microsoft365, exchange: SmtpServer
) -> None:
    await channel(stage, microsoft, exchange)
    person = microsoft.identity.directory.user(MAILBOX)
    microsoft.app.consented(person).add(SMTP_SEND)
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert [taken.user for taken in exchange.taken] == [MAILBOX]
    assert [one.state for one in await stage.outcomes()] == ["sent"]


async def test_a_sign_in_without_smtp_asks_for_consent_and_the_mail_waits(
    stage: Stage, microsoft: Microsoft365, exchange: SmtpServer
) -> None:
    await channel(stage, microsoft, exchange)
    await stage.start()
    await stage.ask_to_send(send_requested())

    async def told() -> bool:
        health = await stage.health("own")
        return health is not None and health.reason == "consent-missing"

    await stage.until(told)
    assert [one.state for one in await stage.outcomes()] == ["deferred"]
    assert exchange.taken == []
