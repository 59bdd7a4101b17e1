"""Connecting a mailbox while things fail, or the process dies, at every single step."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from config_service.adapters.nats_secrets import NatsSecrets
from config_service.adapters.nats_store import NatsStore
from config_service.adapters.nats_talk import NatsAudit, NatsTryInbound, NatsTryOutbound
from config_service.domain.gmail import BY_APP_PASSWORD, BY_CONSENT
from config_service.domain.mailbox_wish import MailboxWish, Ways
from config_service.domain.microsoft import MicrosoftWays
from config_service.domain.own_entries import mending
from config_service.resources.audit import AuditTrail
from config_service.resources.channel_secrets import ChannelSecrets
from config_service.resources.connecting import Connect, Connected, Connecting
from config_service.resources.documents import Documents
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.seeding import seed
from config_service.resources.trying import Trying
from doubles.config_api import Dispatch, Reader
from doubles.crash import Crash, CrashAt
from doubles.kv import MemoryBucket, MemoryBus
from postbus.configuration import Configuration
from postbus.contracts.catalogue import (
    TRY_GRAPH_SUBJECT,
    TRY_INBOUND_SUBJECT,
    TRY_OUTBOUND_SUBJECT,
)
from postbus.errors import BusUnavailable
from postbus.secrets import Opener, Sealer, generate_key_pair

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ID = "support-xyz-com"
MOST_STEPS = 20
KEYS = generate_key_pair()
MICROSOFT = MicrosoftWays()
BY_SMTP = MicrosoftWays(send_by="smtp")
all_ways = pytest.mark.parametrize(
    "ways", [BY_APP_PASSWORD, MICROSOFT, BY_SMTP], ids=["gmail", "graph", "graph-and-smtp"]
)


@dataclass
class Kept:
    """What outlives a process."""

    config: MemoryBucket = field(default_factory=MemoryBucket)
    secrets: MemoryBucket = field(default_factory=MemoryBucket)

    def documents(self, crash: CrashAt | None = None) -> Documents:
        crash = crash or CrashAt()
        store = crash.wrap(NatsStore(lambda: self.config, 64))
        return Documents(store, AuditTrail(store, NatsAudit(MemoryBus())), lambda: NOW)

    def connect(self, crash: CrashAt) -> Connect:
        bus = MemoryBus()
        bus.answers[TRY_OUTBOUND_SUBJECT] = Dispatch().answer
        bus.answers[TRY_INBOUND_SUBJECT] = Reader().answer
        bus.answers[TRY_GRAPH_SUBJECT] = Reader().answer
        trying = Trying(NatsTryOutbound(bus, 1), NatsTryInbound(bus, 1), lambda: NOW)
        documents = self.documents(crash)
        secrets = ChannelSecrets(
            crash.wrap(NatsSecrets(lambda: self.secrets)), Sealer(KEYS.public_key)
        )
        return Connect(documents, OwnAddresses(documents), secrets, trying)

    async def configuration(self) -> Configuration:
        return (await self.documents().state()).configuration

    async def opened(self) -> dict[str, str]:
        opener = Opener([KEYS.private_key])
        entries = (await self.secrets.all()).values()
        return {
            one.key: opener.open(one.key, one.value.decode()).get_secret_value() for one in entries
        }


async def started() -> Kept:
    kept = Kept()
    store = NatsStore(lambda: kept.config, 64)
    await seed(kept.documents(), store, mail_domain="example.org")
    return kept


async def attempt(kept: Kept, crash: CrashAt, ways: Ways, secret: str) -> Connected:
    wish = MailboxWish(address="support@xyz.com")
    what = Connecting(wish, ways, SecretStr(secret), by="anna")
    return await kept.connect(crash).connect(what)


def sound(there: Configuration) -> None:
    """At no moment: a mailbox without its way out, or an address of ours that mail may go to."""
    for channel in there.inbound_channels:
        assert channel.reply_via is None or there.outbound(channel.reply_via) is not None
    assert mending(there, NOW).missing == ()


async def complete(kept: Kept, secret: str) -> None:
    there = await kept.configuration()
    channel = there.inbound(ID)
    assert channel is not None
    assert channel.reply_via == ID
    assert there.outbound(ID) is not None
    assert mending(there, NOW).superfluous == ()
    assert await kept.opened() == {
        f"inbound-channels.{ID}": secret, f"outbound-channels.{ID}": secret,
    }  # fmt: skip


async def steps_of(ways: Ways, before: Any = None) -> int:
    crash = CrashAt()
    kept = await started()
    if before:
        await before(kept)
    await attempt(kept, crash, ways, "pw")
    return crash.calls


async def steps_again(first: Ways, again: Ways) -> int:
    async def before(kept: Kept) -> None:
        await attempt(kept, CrashAt(), first, "old")

    return await steps_of(again, before)


async def connected_before(kept: Kept) -> None:
    await attempt(kept, CrashAt(), BY_APP_PASSWORD, "old")


async def test_there_are_as_many_steps_as_these_tests_go_through() -> None:
    assert 10 < await steps_of(BY_APP_PASSWORD) < MOST_STEPS
    assert 8 < await steps_of(BY_CONSENT, connected_before) < MOST_STEPS
    assert 10 < await steps_of(MICROSOFT) < MOST_STEPS
    assert 6 < await steps_again(BY_SMTP, MICROSOFT) < MOST_STEPS


@all_ways
@pytest.mark.parametrize("after_the_work", [False, True])
@pytest.mark.parametrize("call", range(1, MOST_STEPS))
async def test_a_crash_at_any_step_is_cured_by_the_same_call_again(
    call: int,
    ways: Ways,
    after_the_work: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """INVARIANT: no mailbox is read whose answers have no way out, whenever the process dies."""
    kept = await started()
    crash = CrashAt(call=call, after_the_work=after_the_work)
    if call <= await steps_of(ways):
        with pytest.raises(Crash):
            await attempt(kept, crash, ways, "pw")
        sound(await kept.configuration())
    await attempt(kept, CrashAt(), ways, "pw")
    await complete(kept, "pw")


@all_ways
@pytest.mark.parametrize("after_the_work", [False, True])
@pytest.mark.parametrize("call", range(1, MOST_STEPS))
async def test_a_step_that_fails_leaves_nothing_and_the_same_call_again_succeeds(
    call: int,
    ways: Ways,
    after_the_work: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """INVARIANT: all or nothing; a half-made mailbox would be nobody's."""
    kept = await started()
    before = await kept.configuration()
    error = BusUnavailable("away")
    crash = CrashAt(call=call, after_the_work=after_the_work, error=error)
    if call < await steps_of(ways):
        with pytest.raises(BusUnavailable):
            await attempt(kept, crash, ways, "pw")
        there = await kept.configuration()
        assert there.inbound_channels == before.inbound_channels
        assert there.outbound_channels == before.outbound_channels
        assert there.filter.entries == before.filter.entries
        assert await kept.opened() == {}
    await attempt(kept, CrashAt(), ways, "pw")
    await complete(kept, "pw")


@pytest.mark.parametrize("writes", range(9))
async def test_nats_that_goes_away_for_good_leaves_nothing_that_reads_mail(writes: int) -> None:
    """Not even undoing works; what is left is sound, and the same call again succeeds."""
    kept = await started()
    kept.config.fail_writes_after = writes
    if writes < 4:
        with pytest.raises(BusUnavailable):
            await attempt(kept, CrashAt(), BY_APP_PASSWORD, "pw")
    sound(await kept.configuration())
    kept.config.fail_writes_after = None
    await attempt(kept, CrashAt(), BY_APP_PASSWORD, "pw")
    await complete(kept, "pw")


@pytest.mark.parametrize(
    "before_and_again",
    [(BY_APP_PASSWORD, BY_CONSENT), (MICROSOFT, MICROSOFT), (BY_SMTP, MICROSOFT)],
    ids=["gmail", "graph", "graph-and-smtp"],
)
@pytest.mark.parametrize("after_the_work", [False, True])
@pytest.mark.parametrize("call", range(1, MOST_STEPS))
async def test_a_new_sign_in_that_fails_leaves_the_old_one(
    call: int,
    before_and_again: tuple[Ways, Ways],
    after_the_work: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """INVARIANT: a mailbox that worked still works after an attempt to sign it in anew."""
    first, again = before_and_again
    kept = await started()
    await attempt(kept, CrashAt(), first, "old")
    before = await kept.configuration()
    error = BusUnavailable("away")
    crash = CrashAt(call=call, after_the_work=after_the_work, error=error)
    if call < await steps_again(first, again):
        with pytest.raises(BusUnavailable):
            await attempt(kept, crash, again, "new")
        there = await kept.configuration()
        assert there.inbound_channels == before.inbound_channels
        assert there.outbound_channels == before.outbound_channels
        assert there.filter.entries == before.filter.entries
        assert set((await kept.opened()).values()) == {"old"}
    await attempt(kept, CrashAt(), again, "new")
    await complete(kept, "new")
