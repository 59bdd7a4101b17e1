"""With which keys a mail is signed, and that what is signed verifies."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dkim
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from config_service.adapters.dkim_keys import make_dkim_pair
from dispatch.adapters.dkim_signer import DkimSigner
from dispatch.domain.compose import Composed, compose
from dispatch.domain.dkim import Unsigned, signatures_of
from postbus.configuration import Configuration
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.dkim import DkimAlgorithm, DkimKey, DkimSigning
from postbus.contracts.mail import Address
from postbus.errors import CredentialsRejected
from send_builders import send_requested

AT = datetime(2026, 3, 2, tzinfo=UTC)
RELAY = OutboundChannel(id="relay", name="Relay", kind="relay")
PAIRS = {one: make_dkim_pair(one) for one in DkimAlgorithm}


def key(
    selector: str, domain: str = "postbus.localhost", *, days: int = 0, **fields: Any
) -> DkimKey:
    algorithm = fields.pop("algorithm", DkimAlgorithm.RSA)
    given = {
        "selector": selector, "domain": domain, "algorithm": algorithm, "active": True,
        "public_key": PAIRS[algorithm].public_key, "created_at": AT + timedelta(days=days),
    }  # fmt: skip
    return DkimKey(**{**given, **fields})


ED = DkimAlgorithm.ED25519


@pytest.mark.parametrize(
    ("keys", "sender", "selectors", "unsigned"),
    [
        ((), "a@postbus.localhost", [], None),
        ((key("off", active=False),), "a@postbus.localhost", [], None),
        ((key("one"),), "a@postbus.localhost", ["one"], None),
        ((key("one"),), "a@PostBus.localhost", ["one"], None),
        ((key("one"),), "a@mail.postbus.localhost", ["one"], None),
        ((key("one"),), "a@notpostbus.localhost", [], Unsigned.NOT_ALIGNED),
        ((key("one"),), "a@example.com", [], Unsigned.NOT_ALIGNED),
        (
            (key("up"), key("near", "mail.postbus.localhost")),
            "a@mail.postbus.localhost", ["near"], None,
        ),
        ((key("old"), key("new", days=1)), "a@postbus.localhost", ["new"], None),
        ((key("one"), key("ed", algorithm=ED)), "a@postbus.localhost", ["ed", "one"], None),
    ],
)  # fmt: skip
def test_keys_of_the_domain_in_from_sign(
    keys: tuple[DkimKey, ...], sender: str, selectors: list[str], unsigned: Unsigned | None
) -> None:
    found = signatures_of(DkimSigning(id="relay", keys=keys), sender)
    assert [one.selector for one in found.keys] == selectors
    assert found.unsigned is unsigned


def test_a_channel_without_keys_signs_nothing_and_says_nothing() -> None:
    assert signatures_of(None, "a@postbus.localhost").unsigned is None


async def opened(name: str, _: str | None) -> SecretStr | None:
    """`relay.ed…` is an Ed25519 key, every other an RSA one."""
    if name == "relay.gone":
        return None
    if name == "relay.closed":
        raise CredentialsRejected("no key opens it")
    if name == "relay.nonsense":
        return SecretStr("nonsense")
    return PAIRS[ED if ".ed" in name else DkimAlgorithm.RSA].private_key


class Signing:
    """A signer with these keys."""

    def __init__(self, *keys: DkimKey) -> None:
        self.keys = {one.record_name.encode() + b".": one for one in keys}
        self.registry = CollectorRegistry()
        configuration = Configuration.of([RELAY, DkimSigning(id="relay", keys=keys)])
        self._signer = DkimSigner(lambda: configuration, opened, self.registry)

    async def __call__(self, mail: Composed) -> bytes:
        return (await self._signer.signed(RELAY, mail)).data

    def dns(self, name: bytes, timeout: int = 5) -> bytes:
        return self.keys[name].record_value.encode()

    def verdicts(self, data: bytes) -> list[bool]:
        """What a receiver makes of each signature, from the top."""
        checked = dkim.DKIM(data)
        count = len(re.findall(rb"(?mi)^DKIM-Signature:", data.partition(b"\r\n\r\n")[0]))
        return [self._verdict(checked, at) for at in range(count)]

    def _verdict(self, checked: dkim.DKIM, at: int) -> bool:
        try:
            return bool(checked.verify(idx=at, dnsfunc=self.dns))
        except dkim.ValidationError:
            return False

    def unsigned(self, why: str) -> float | None:
        return self.registry.get_sample_value("postbus_mails_unsigned_total", {"why": why})


def written(**fields: Any) -> Composed:
    sent = send_requested().model_copy(update=fields)
    return compose(sent, RELAY, content=None, files=(), now=AT)


ODD = [
    {},
    {"text": "Grüße — 日本\n\n \t \n\nend   "},
    {"subject": "Ein sehr langer Betreff mit Umlauten äöü " * 5},
    {"references": tuple(f"{number}@example.com" for number in range(10)), "in_reply_to": "a@b"},
    {"to": (Address(name="Änna", address="änna@bücher.example"),)},
    {"text": ".\n..\nFrom here\n"},
]


@pytest.mark.parametrize("fields", ODD)
async def test_both_signatures_verify(fields: dict[str, Any]) -> None:
    signing = Signing(key("rsa"), key("ed", algorithm=ED))
    mail = written(**fields)
    data = await signing(mail)
    assert signing.verdicts(data) == [True, True]
    assert data.endswith(mail.data)


async def test_a_signature_is_relaxed_and_names_domain_and_selector() -> None:
    data = await Signing(key("one"))(written())
    field = b"".join(data.partition(b"From:")[0].split())
    for part in (b"c=relaxed/relaxed;", b"d=postbus.localhost;", b"s=one;", b"a=rsa-sha256;"):
        assert part in field
    signed = field.partition(b"h=")[2].partition(b";")[0].split(b":")
    assert signed.count(b"from") == 2
    assert {b"to", b"subject", b"date", b"message-id", b"reply-to", b"content-type"} <= {*signed}


FORGERIES: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("another word", lambda data: data.replace(b"stairs", b"lift")),
    ("another subject", lambda data: data.replace(b"Subject: Re:", b"Subject: Fwd:")),
    ("a second From", lambda data: data.replace(b"From: ", b"From: b@x.example\r\nFrom: ", 1)),
    ("a second From below", lambda data: data.replace(b"To: ", b"From: b@x.example\r\nTo: ", 1)),
    ("a Cc", lambda data: data.replace(b"To: ", b"Cc: b@x.example\r\nTo: ", 1)),
    ("another way back", lambda data: data.replace(b"Reply-To: Support", b"Reply-To: Nobody")),
]


@pytest.mark.parametrize("forge", [one for _, one in FORGERIES], ids=[one for one, _ in FORGERIES])
async def test_what_was_changed_does_not_verify(forge: Callable[[bytes], bytes]) -> None:
    signing = Signing(key("one"))
    data = await signing(written())
    assert forge(data) != data
    assert signing.verdicts(forge(data)) == [False]


async def test_what_a_server_on_the_way_may_change_still_verifies() -> None:
    signing = Signing(key("one"))
    data = await signing(written())
    received = b"Received: by relay.example; Mon, 2 Mar 2026 09:30:00 +0000\r\n" + data
    assert signing.verdicts(received.replace(b"Subject: Re:", b"Subject:   Re:")) == [True]


async def test_an_old_key_still_verifies_after_a_new_one_signs() -> None:
    before = Signing(key("old"))
    data = await before(written())
    after = Signing(key("old", active=False), key("new", days=1))
    assert after.verdicts(data) == [True]
    assert b"s=new;" in b"".join((await after(written())).split())


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (key("one", "example.com"), "not-aligned"),
        (key("gone"), "no-private-key"),
        (key("closed"), "no-private-key"),
        (key("nonsense"), "not-signable"),
        (key("nonsense", algorithm=ED), "not-signable"),
    ],
)
async def test_a_mail_that_cannot_be_signed_goes_unsigned_and_is_counted(
    made: DkimKey, why: str
) -> None:
    """INVARIANT: no mail waits or fails because of a key."""
    signing = Signing(made)
    mail = written()
    assert await signing(mail) == mail.data
    assert signing.unsigned(why) == 1
