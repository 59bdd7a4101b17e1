"""Builds what concerns channels: the second half of `app`."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from pydantic import SecretStr

from config_service.adapters.bus import ServiceBus
from config_service.adapters.dkim_keys import make_dkim_pair
from config_service.adapters.dns_records import DnsRecords
from config_service.adapters.google_flow import GoogleFlow
from config_service.adapters.microsoft_flow import MicrosoftFlow
from config_service.adapters.nats_talk import NatsProve, NatsTryInbound, NatsTryOutbound
from config_service.adapters.smtp_door import SmtpDoor
from config_service.api import connect, connect_microsoft, dkim, inbound, insight, outbound
from config_service.api.connect_microsoft import AGAIN, CALLBACK
from config_service.api.replies import PREFIX
from config_service.domain.gmail import BY_CONSENT, GmailServers, at
from config_service.domain.google_consent import GoogleClient
from config_service.domain.mailbox_wish import Server
from config_service.domain.microsoft import MicrosoftWays
from config_service.ports import Known, Secrets
from config_service.resources.again_links import AgainLinks
from config_service.resources.audit import AuditTrail
from config_service.resources.channel_secrets import ChannelSecrets
from config_service.resources.channel_tests import ChannelTests
from config_service.resources.completeness import Completeness
from config_service.resources.connecting import Connect
from config_service.resources.dkim import DkimKeysOfChannels
from config_service.resources.documents import Documents
from config_service.resources.google_sign_ins import GoogleSignIns, OwnSide
from config_service.resources.inbound import Inbound
from config_service.resources.microsoft_clients import checked_client
from config_service.resources.microsoft_sign_ins import MicrosoftSignIns, OwnMicrosoft
from config_service.resources.outbound import Outbound
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.sign_ins import SignIns
from config_service.resources.trying import Trying
from config_service.settings import Settings
from postbus.connecting import Reach, TlsContexts
from postbus.connecting.credentials import MicrosoftClient
from postbus.connecting.http import BlockingReachingTransport
from postbus.contracts.base import utc_now
from postbus.errors import NotConfigured
from postbus.microsoft.msal_http import MsalHttp
from postbus.runtime.auth import BearerAuth
from postbus.runtime.problems import Problem
from postbus.secrets import Sealer

PROVE_SECONDS = 60.0
WORD_BYTES = 48
SELECTOR_BYTES = 4
MICROSOFT_SECONDS = 20.0


@dataclass(frozen=True)
class Around:
    """What channels need of the rest of the service."""

    bus: ServiceBus
    documents: Documents
    own_addresses: OwnAddresses
    trail: AuditTrail
    secrets: Secrets
    known: Known
    microsoft: MsalHttp


def add_routes(v1: APIRouter, settings: Settings, around: Around, auth: BearerAuth) -> None:
    """Put the routes of channels, of whole mailboxes, and of their health on the API.

    NotConfigured when a file of the settings is not there.
    """
    documents, own_addresses = around.documents, around.own_addresses
    key_file = settings.secrets_public_key_file
    sealer = Sealer.from_file(key_file) if key_file else None
    sealed = ChannelSecrets(around.secrets, sealer)
    seconds = settings.try_timeout_seconds
    trying = Trying(
        NatsTryOutbound(around.bus, seconds), NatsTryInbound(around.bus, seconds), utc_now
    )
    completeness = Completeness(documents, around.known, NatsProve(around.bus, PROVE_SECONDS))
    sign_ins = SignIns(sealed, trying, utc_now)
    into = Inbound(documents, own_addresses, sign_ins)
    keys = _dkim_keys(settings, around, sealer)
    out = Outbound(documents, own_addresses, sign_ins, keys)
    whole = Connect(documents, own_addresses, sealed, trying)
    servers = _gmail_servers(settings)
    with_microsoft = _microsoft_sign_ins(settings, whole, around.microsoft)
    links = AgainLinks(documents, around.secrets, with_microsoft, _under(settings, AGAIN) or "")
    tests = ChannelTests(
        documents, trying, SmtpDoor(settings.forward_door), around.known, links.url_for
    )
    v1.include_router(inbound.routes(into, tests, completeness, auth))
    v1.include_router(outbound.routes(out, tests, auth))
    v1.include_router(dkim.routes(keys, auth))
    with_google = _google_sign_ins(settings, whole, servers)
    v1.include_router(connect.routes(whole, with_google, servers, auth))
    v1.include_router(connect_microsoft.routes(with_microsoft, links, auth))
    v1.include_router(insight.routes(tests, around.trail, auth))


def _dkim_keys(settings: Settings, around: Around, sealer: Sealer | None) -> DkimKeysOfChannels:
    records = DnsRecords(settings.dns_server)
    return DkimKeysOfChannels(
        around.documents, around.secrets, sealer, make_dkim_pair, _new_selector, records
    )


def _gmail_servers(settings: Settings) -> GmailServers:
    return GmailServers(
        Server.of(settings.gmail_imap),
        Server.of(settings.gmail_smtp),
        _text_of(settings.gmail_ca_file) if settings.gmail_ca_file else None,
    )


def _google_sign_ins(settings: Settings, whole: Connect, servers: GmailServers) -> GoogleSignIns:
    secret_file = settings.google_client_secret_file
    secret = SecretStr(_text_of(secret_file).strip() if secret_file else "")
    client_id = settings.google_client_id
    flow = GoogleFlow(
        settings.google_authorize_url, settings.google_token_url, settings.google_ca_file
    )
    own = OwnSide(
        GoogleClient(client_id, secret) if client_id else None,
        _under(settings, connect.CALLBACK),
    )
    return GoogleSignIns(whole, flow, own, at(servers, BY_CONSENT), utc_now, _new_word)


def microsoft_http(settings: Settings) -> MsalHttp:
    """How Microsoft's identity platform is asked; to be closed when the service stops."""
    reach = Reach(allow_private=settings.allow_private_hosts)
    transport = BlockingReachingTransport(reach, TlsContexts(settings.microsoft_ca_file))
    return MsalHttp(transport=transport, timeout=MICROSOFT_SECONDS)


def _microsoft_sign_ins(settings: Settings, whole: Connect, http: MsalHttp) -> MicrosoftSignIns:
    ca_file = settings.microsoft_ca_file
    flow = MicrosoftFlow(http)
    ways = MicrosoftWays(
        smtp=Server.of(settings.microsoft_smtp),
        smtp_ca_certificates=_text_of(ca_file) if ca_file else None,
    )
    own = OwnMicrosoft(_microsoft_client(settings), _under(settings, CALLBACK), ways)
    return MicrosoftSignIns(whole, flow, own, utc_now)


def _microsoft_client(settings: Settings) -> MicrosoftClient | None:
    """The installation's own app registration; NotConfigured when a file of it is of no use."""
    if settings.microsoft_client_id is None:
        return None
    files = {
        "client_secret": settings.microsoft_client_secret_file,
        "certificate": settings.microsoft_client_certificate_file,
        "private_key": settings.microsoft_client_key_file,
    }
    texts = {name: _text_of(file).strip() for name, file in files.items() if file}
    client = MicrosoftClient(
        client_id=settings.microsoft_client_id,
        expires_at=settings.microsoft_client_expires_at,
        **texts,
    )
    try:
        return checked_client(client, "#/client")
    except Problem as problem:
        raise NotConfigured(f"MICROSOFT_CLIENT_…: {problem.detail}") from None


def _under(settings: Settings, path: str) -> str | None:
    """Where browsers find a path of this API; None where nobody said."""
    url = settings.public_url
    return f"{url.rstrip('/')}{PREFIX}{path}" if url else None


def _text_of(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"{file.name} cannot be read") from error


def _new_selector() -> str:
    """Of letters and digits, so that no two keys of a day are of one name."""
    return secrets.token_hex(SELECTOR_BYTES)


def _new_word() -> str:
    """Unguessable, and long enough for a PKCE verifier (RFC 7636 §4.1: 43 characters at least)."""
    return secrets.token_urlsafe(WORD_BYTES)
