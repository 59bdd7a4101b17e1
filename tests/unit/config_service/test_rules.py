"""The pure rules of the config service."""

from datetime import UTC, datetime
from typing import Any

import pytest

from config_service.domain.audit_records import records_of
from config_service.domain.etags import Match, if_match, if_none_match
from config_service.domain.kept_secret import secret_refusal, sign_in_of
from config_service.domain.merge_patch import merge
from config_service.domain.own_entries import entry_id, mending, own_entries
from config_service.domain.references import filter_removal_refusal, inbound_refusal
from config_service.domain.refusals import Reason
from config_service.domain.seeds import seeds
from postbus.configuration import Configuration, Kept
from postbus.contracts.configuration import (
    Change,
    FilterEntry,
    ForwardSettings,
    InboundChannel,
    OutboundChannel,
    TicketType,
)

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
SUPPORT = TicketType(id="support", name="Support")


def channel(id_: str, *addresses: str, **fields: Any) -> InboundChannel:
    return InboundChannel(
        id=id_,
        name=id_,
        kind="forward",
        forward=ForwardSettings(creation_addresses=addresses or (f"{id_}@abc.com",)),
        **fields,
    )


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_a_merge_patch_is_applied_as_the_rfc_shows(
    target: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]
) -> None:
    """The cases of RFC 7396 appendix A that concern objects."""
    before = repr(target)
    assert merge(target, patch) == result
    assert repr(target) == before


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Match.MISSING),
        ("*", Match.GOOD),
        ('"7"', Match.GOOD),
        ('"6", "7"', Match.GOOD),
        ('W/"7"', Match.STALE),
        ('"70"', Match.STALE),
        ("7", Match.STALE),
        ("", Match.STALE),
    ],
)
def test_if_match_compares_strongly(header: str | None, expected: Match) -> None:
    assert if_match(header, '"7"') is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Match.MISSING),
        ("*", Match.GOOD),
        ('W/"7"', Match.GOOD),
        ('"6", W/"7"', Match.GOOD),
        ('"6"', Match.STALE),
    ],
)
def test_if_none_match_compares_weakly(header: str | None, expected: Match) -> None:
    assert if_none_match(header, '"7"') is expected


def smtp(**fields: Any) -> OutboundChannel:
    settings = {"host": "mail.abc.com", "auth": "password", "username": "anna", **fields}
    return OutboundChannel.model_validate(
        {"id": "it", "name": "IT", "kind": "smtp", "from_address": "it@abc.com", "smtp": settings}
    )


@pytest.mark.parametrize(
    ("before", "after", "needed"),
    [
        ({}, {}, False),
        ({}, {"port": 465}, False),
        ({}, {"host": "MAIL.abc.com"}, False),
        ({}, {"host": "mail.evil.example"}, True),
        ({}, {"tls": "none"}, True),
        ({"tls": "none"}, {"tls": "none"}, False),
        ({"tls": "none"}, {"tls": "implicit"}, False),
        ({}, {"host": "mail.evil.example", "auth": "none"}, False),
    ],
)
def test_a_kept_secret_goes_only_where_it_was_meant_to_go(
    before: dict[str, Any], after: dict[str, Any], needed: object
) -> None:
    """INVARIANT: else whoever may change a host could read the password at a server of his."""
    old, new = sign_in_of(smtp(**before)), sign_in_of(smtp(**after))
    refusal = secret_refusal(new, old, given=False, kept=True)
    assert (refusal is not None) is needed
    assert secret_refusal(new, old, given=True, kept=True) is None


def imap(**fields: Any) -> InboundChannel:
    settings = {"host": "mail.abc.com", "username": "it@abc.com", **fields}
    return InboundChannel.model_validate(
        {"id": "it", "name": "IT", "kind": "imap", "address": "it@abc.com", "imap": settings}
    )


@pytest.mark.parametrize(
    ("before", "after", "needed"),
    [
        ({}, {"port": 143, "tls": "starttls"}, False),
        ({}, {"folders": ["INBOX", "Old"]}, False),
        ({}, {"auth": "app-password"}, False),
        ({}, {"host": "mail.evil.example"}, True),
        ({}, {"tls": "none"}, True),
        ({}, {"ca_certificates": "whom I trust"}, True),
        ({"ca_certificates": "whom I trust"}, {}, False),
        ({}, {"auth": "google-oauth"}, True),
        ({}, {"auth": "google-service-account"}, True),
        ({"auth": "google-oauth"}, {"auth": "google-oauth"}, False),
        ({"auth": "google-service-account"}, {"auth": "google-service-account"}, False),
        (
            {"auth": "google-service-account"},
            {"auth": "google-service-account", "username": "boss@abc.com"},
            True,
        ),
    ],
)
def test_a_kept_secret_of_a_mailbox_goes_only_where_it_was_meant_to_go(
    before: dict[str, Any], after: dict[str, Any], needed: object
) -> None:
    """INVARIANT: as above; and who trusts one more authority may meet another server."""
    old, new = sign_in_of(imap(**before)), sign_in_of(imap(**after))
    refusal = secret_refusal(new, old, given=False, kept=True)
    assert (refusal is not None) is needed
    assert refusal is None or refusal.pointer == "#/imap/secret"


def test_a_sign_in_with_google_is_not_typed_in() -> None:
    refusal = secret_refusal(sign_in_of(imap(auth="google-oauth")), None, given=True, kept=False)
    assert refusal is not None
    assert "connect/google" in refusal.detail


@pytest.mark.parametrize(
    ("given", "fields", "pointer"),
    [(False, {}, "#/smtp/secret"), (True, {"username": None}, "#/smtp/username")],
)
def test_a_password_needs_both_halves(
    given: bool,  # noqa: FBT001 - a column of the table
    fields: dict[str, Any],
    pointer: str,
) -> None:
    refusal = secret_refusal(sign_in_of(smtp(**fields)), None, given=given, kept=False)
    assert refusal is not None
    assert refusal.pointer == pointer


@pytest.mark.parametrize("address", ["IT@ABC.com", "it@abc.com", "help@abc.com"])
def test_an_address_belongs_to_one_channel_however_it_is_written(address: str) -> None:
    there = Configuration.of([SUPPORT, channel("it", "it@abc.com", "help@abc.com")])
    refusal = inbound_refusal(channel("hr", address), there)
    assert refusal is not None
    assert refusal.reason is Reason.ADDRESS_TAKEN
    assert "it" in refusal.detail


def test_a_channel_does_not_stand_in_its_own_way() -> None:
    there = Configuration.of([SUPPORT, channel("it")])
    assert inbound_refusal(channel("it", "it@abc.com", "new@abc.com"), there) is None


def test_every_own_address_has_one_entry() -> None:
    both = channel("it", "it@abc.com", "IT@abc.com", address="it@ABC.com")
    entries = own_entries(both, NOW)
    assert [entry.pattern for entry in entries.values()] == ["it@abc.com"]
    assert all(entry.automatic and entry.channel == "it" for entry in entries.values())


def test_mending_adds_what_is_missing_and_takes_away_what_is_left_over() -> None:
    left_over = own_entries(channel("gone"), NOW)
    by_hand = FilterEntry(id=entry_id("x@y.z"), pattern="x@y.z")
    there = Configuration.of([channel("it"), *left_over.values(), by_hand])
    todo = mending(there, NOW)
    assert [entry.pattern for entry in todo.missing] == ["it@abc.com"]
    assert [entry.pattern for entry in todo.superfluous] == ["gone@abc.com"]
    agreed = Configuration.of([channel("it"), *own_entries(channel("it"), NOW).values()])
    assert mending(agreed, NOW) == mending(Configuration(), NOW)


def test_an_automatic_entry_stays_while_the_channel_has_the_address() -> None:
    (entry,) = own_entries(channel("it", "IT@abc.com"), NOW).values()
    assert filter_removal_refusal(entry, Configuration.of([channel("it", "IT@abc.com")]))
    assert filter_removal_refusal(entry, Configuration.of([channel("it", "new@abc.com")])) is None
    assert filter_removal_refusal(entry, Configuration()) is None


def test_the_seeds_agree_with_the_rules_for_everybody() -> None:
    documents = [content for _, _, content in seeds("example.org", NOW)]
    there = Configuration.of(documents)
    (support,) = there.inbound_channels
    assert inbound_refusal(support, there) is None
    assert there.filter.match("support@example.org") is not None
    assert mending(there, NOW) == mending(Configuration(), NOW)


def kept(revision: int, document: dict[str, Any] | None, by: str = "anna") -> Kept:
    return Kept("ticket-types", "a", document, Change(by=by, at=NOW), revision)


def test_the_audit_says_what_was_before_and_after() -> None:
    revisions = [kept(1, {"n": 1}), kept(4, {"n": 2}), kept(6, None, "bert"), kept(9, {"n": 3})]
    records = records_of(revisions, from_the_first=True)
    assert [(one.action, one.before, one.after, one.who) for one in records] == [
        ("created", None, {"n": 1}, "anna"),
        ("changed", {"n": 1}, {"n": 2}, "anna"),
        ("deleted", {"n": 2}, None, "bert"),
        ("created", None, {"n": 3}, "anna"),
    ]


def test_the_audit_does_not_call_created_what_it_no_longer_remembers() -> None:
    records = records_of([kept(70, {"n": 1}), kept(71, {"n": 2})], from_the_first=False)
    assert [(one.action, one.revision) for one in records] == [("changed", 71)]
