"""Builds what concerns channels: the second half of `app`."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from pydantic import SecretStr

from config_service.adapters.bus import ServiceBus
from config_service.adapters.google_flow import GoogleFlow
from config_service.adapters.nats_talk import NatsProve, NatsTryInbound, NatsTryOutbound
from config_service.adapters.smtp_door import SmtpDoor
from config_service.api import connect, inbound, insight, outbound
from config_service.api.replies import PREFIX
from config_service.domain.gmail import GmailServers, Server
from config_service.domain.google_consent import GoogleClient
from config_service.ports import Known, Secrets
from config_service.resources.audit import AuditTrail
from config_service.resources.channel_secrets import ChannelSecrets
from config_service.resources.channel_tests import ChannelTests
from config_service.resources.completeness import Completeness
from config_service.resources.connecting import Connect
from config_service.resources.documents import Documents
from config_service.resources.google_sign_ins import GoogleSignIns, OwnSide
from config_service.resources.inbound import Inbound
from config_service.resources.outbound import Outbound
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.sign_ins import SignIns
from config_service.resources.trying import Trying
from config_service.settings import Settings
from postbus.contracts.base import utc_now
from postbus.errors import NotConfigured
from postbus.runtime.auth import BearerAuth
from postbus.secrets import Sealer

PROVE_SECONDS = 60.0
WORD_BYTES = 48


@dataclass(frozen=True)
class Around:
    """What channels need of the rest of the service."""

    bus: ServiceBus
    documents: Documents
    own_addresses: OwnAddresses
    trail: AuditTrail
    secrets: Secrets
    known: Known


def add_routes(v1: APIRouter, settings: Settings, around: Around, auth: BearerAuth) -> None:
    """Put the routes of channels, of whole mailboxes, and of their health on the API.

    NotConfigured when a file of the settings is not there.
    """
    documents, own_addresses = around.documents, around.own_addresses
    key_file = settings.secrets_public_key_file
    sealed = ChannelSecrets(around.secrets, Sealer.from_file(key_file) if key_file else None)
    seconds = settings.try_timeout_seconds
    trying = Trying(
        NatsTryOutbound(around.bus, seconds), NatsTryInbound(around.bus, seconds), utc_now
    )
    tests = ChannelTests(documents, trying, SmtpDoor(settings.forward_door), around.known)
    completeness = Completeness(documents, around.known, NatsProve(around.bus, PROVE_SECONDS))
    sign_ins = SignIns(sealed, trying, utc_now)
    into = Inbound(documents, own_addresses, sign_ins)
    out = Outbound(documents, own_addresses, sign_ins)
    whole = Connect(documents, own_addresses, sealed, trying, _gmail_servers(settings))
    v1.include_router(inbound.routes(into, tests, completeness, auth))
    v1.include_router(outbound.routes(out, tests, auth))
    v1.include_router(connect.routes(whole, _google_sign_ins(settings, whole), auth))
    v1.include_router(insight.routes(tests, around.trail, auth))


def _gmail_servers(settings: Settings) -> GmailServers:
    return GmailServers(
        Server.of(settings.gmail_imap),
        Server.of(settings.gmail_smtp),
        _text_of(settings.gmail_ca_file) if settings.gmail_ca_file else None,
    )


def _google_sign_ins(settings: Settings, whole: Connect) -> GoogleSignIns:
    secret_file = settings.google_client_secret_file
    secret = SecretStr(_text_of(secret_file).strip() if secret_file else "")
    client_id, public_url = settings.google_client_id, settings.public_url
    flow = GoogleFlow(
        settings.google_authorize_url, settings.google_token_url, settings.google_ca_file
    )
    own = OwnSide(
        GoogleClient(client_id, secret) if client_id else None,
        f"{public_url.rstrip('/')}{PREFIX}{connect.CALLBACK}" if public_url else None,
    )
    return GoogleSignIns(whole, flow, own, utc_now, _new_word)


def _text_of(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"{file.name} cannot be read") from error


def _new_word() -> str:
    """Unguessable, and long enough for a PKCE verifier (RFC 7636 §4.1: 43 characters at least)."""
    return secrets.token_urlsafe(WORD_BYTES)
