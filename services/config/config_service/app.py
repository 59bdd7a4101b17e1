"""Builds the config service."""

import secrets
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from config_service.adapters.bus import BucketWhenOpen, ServiceBus
from config_service.adapters.nats_archive import NatsArchive
from config_service.adapters.nats_guard import NatsGuard
from config_service.adapters.nats_health import NatsHealth
from config_service.adapters.nats_mail import NatsMail
from config_service.adapters.nats_secrets import NatsSecrets
from config_service.adapters.nats_store import NatsStore
from config_service.adapters.nats_talk import NatsAudit
from config_service.adapters.pillow_pictures import PillowPictures
from config_service.api import (
    agents,
    appearances,
    held_mails,
    loop_verdicts,
    outbound_filter,
    ticket_types,
    tokens,
)
from config_service.api.replies import PREFIX
from config_service.app_channels import Around, add_routes, microsoft_http
from config_service.resources.agents import Agents, NotificationDefaults
from config_service.resources.appearances import AppearanceOfQueues
from config_service.resources.audit import AuditTrail
from config_service.resources.documents import Documents
from config_service.resources.held_decisions import HeldDecisions
from config_service.resources.held_mails import HeldMails
from config_service.resources.loop_limits import Limits
from config_service.resources.loop_verdicts import LoopVerdicts, Reading
from config_service.resources.outbound_filter import FilterByHand
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.seeding import ensure_tokens, read_bootstrap_tokens, seed
from config_service.resources.ticket_types import TicketTypes
from config_service.resources.tokens import Tokens
from config_service.resources.upkeep import AGAIN_SECONDS, EVERY_SECONDS, Upkeep
from config_service.settings import Settings
from postbus.blobs import open_store
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import CONFIG_BUCKET, HEALTH_BUCKET, SECRETS_BUCKET, TOPOLOGY
from postbus.configuration import Follower
from postbus.contracts.base import utc_now
from postbus.microsoft.msal_http import MsalHttp
from postbus.reading import MailReader
from postbus.runtime import body_limit, problems
from postbus.runtime.auth import BearerAuth
from postbus.runtime.rounds import Rounds
from postbus.runtime.serve import Service
from postbus.tokens import Stamper, read_keys

NAME = "config"
TOKEN_BYTES = 32


def build(settings: Settings) -> Service:
    """The service on the real bus, not yet started; NotConfigured when a file is not there."""
    registry = CollectorRegistry()
    bus_settings = BusSettings(
        settings.nats_url,
        NAME,
        seed_file=settings.nats_seed_file,
        graceful_seconds=settings.graceful_seconds,
    )
    return assemble(settings, Bus(bus_settings, registry), registry)


def assemble(settings: Settings, bus: ServiceBus, registry: CollectorRegistry) -> Service:
    """The service on any bus."""
    parts = _parts(settings, bus)
    life = _Life(settings, bus, parts)
    return Service(
        name=NAME,
        start=life.start,
        stop=life.stop,
        registry=registry,
        ready_checks=[bus.ready_problems, parts.follower.ready_problems],
        api=_api(settings, bus, parts),
    )


@dataclass(frozen=True)
class _Parts:
    config: BucketWhenOpen
    secrets: BucketWhenOpen
    health: BucketWhenOpen
    follower: Follower
    store: NatsStore
    trail: AuditTrail
    documents: Documents
    own_addresses: OwnAddresses
    upkeep: Rounds
    microsoft: MsalHttp


def _parts(settings: Settings, bus: ServiceBus) -> _Parts:
    config = BucketWhenOpen()
    history = next(one.history for one in TOPOLOGY.buckets if one.name == CONFIG_BUCKET)
    store = NatsStore(config, history)
    trail = AuditTrail(store, NatsAudit(bus))
    documents = Documents(store, trail, utc_now)
    own_addresses = OwnAddresses(documents)
    return _Parts(
        config=config,
        secrets=BucketWhenOpen(),
        health=BucketWhenOpen(),
        follower=Follower(),
        store=store,
        trail=trail,
        documents=documents,
        own_addresses=own_addresses,
        upkeep=Rounds(
            Upkeep(own_addresses, trail).once,
            name="upkeep",
            seconds=EVERY_SECONDS,
            again_seconds=AGAIN_SECONDS,
        ),
        microsoft=microsoft_http(settings),
    )


def _api(settings: Settings, bus: ServiceBus, parts: _Parts) -> FastAPI:
    auth = BearerAuth(parts.follower)
    api = FastAPI(
        title="Postbus config API",
        version="1",
        summary="Channels, reply via, ticket types, the filter, agents, tokens, audit.",
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
    )
    problems.install(api)
    body_limit.install(api, max_bytes=settings.max_request_bytes)
    v1 = APIRouter(prefix=PREFIX)
    around = Around(
        bus,
        parts.documents,
        parts.own_addresses,
        parts.trail,
        NatsSecrets(parts.secrets),
        NatsHealth(parts.health),
        parts.microsoft,
    )
    add_routes(v1, settings, around, auth)
    documents = parts.documents
    v1.include_router(ticket_types.routes(TicketTypes(documents), auth))
    v1.include_router(outbound_filter.routes(FilterByHand(documents), auth))
    v1.include_router(agents.routes(Agents(documents), auth))
    v1.include_router(agents.default_routes(NotificationDefaults(documents), auth))
    made_tokens = Tokens(documents, _new_token, refresh=parts.follower.refresh)
    v1.include_router(tokens.routes(made_tokens, auth))
    blobs = open_store(settings.blob_url)
    reading = _reading(settings)
    mails = HeldMails(NatsArchive(bus), blobs, NatsAudit(bus), utc_now)
    decisions = HeldDecisions(mails, documents, blobs, NatsMail(bus), NatsAudit(bus), reading)
    v1.include_router(held_mails.routes(mails, decisions, auth))
    looks = AppearanceOfQueues(documents, blobs, PillowPictures())
    v1.include_router(appearances.routes(looks, auth))
    v1.include_router(loop_verdicts.limit_routes(Limits(documents), auth))
    verdicts = LoopVerdicts(documents, NatsArchive(bus), NatsGuard(bus), NatsAudit(bus), reading)
    v1.include_router(loop_verdicts.routes(verdicts, auth, utc_now))
    api.include_router(v1)
    return api


def _reading(settings: Settings) -> Reading:
    keys = settings.stamp_keys_file
    stamper = Stamper(settings.tenant, read_keys(keys)) if keys else None
    return Reading(MailReader(settings.reading_limits).read, stamper.find if stamper else None)


def _new_token() -> str:
    return f"pb_{secrets.token_urlsafe(TOKEN_BYTES)}"


class _Life:
    def __init__(self, settings: Settings, bus: ServiceBus, parts: _Parts) -> None:
        self._settings = settings
        self._bus = bus
        self._parts = parts
        self._bootstrap = read_bootstrap_tokens(settings.bootstrap_tokens_file)
        self._hearing = False
        parts.follower.on_change(lambda _: parts.upkeep.wake())

    async def start(self) -> None:
        """Open the buckets, write what a new Postbus needs, mend, and follow.

        Every step may be done again, so a start that failed half way is called again.
        """
        parts = self._parts
        await self._bus.connect()
        if not self._hearing:
            await self._bus.start()
            self._hearing = True
        parts.config.open(await self._bus.bucket(CONFIG_BUCKET))
        parts.secrets.open(await self._bus.bucket(SECRETS_BUCKET))
        parts.health.open(await self._bus.bucket(HEALTH_BUCKET))
        await parts.trail.start()
        await seed(parts.documents, parts.store, mail_domain=self._settings.mail_domain)
        await ensure_tokens(parts.documents, self._bootstrap)
        await parts.own_addresses.mend()
        await parts.follower.start(self._bus)
        parts.upkeep.start()

    async def stop(self) -> None:
        await self._parts.upkeep.stop()
        await self._parts.follower.stop()
        self._parts.microsoft.close()
        await self._bus.stop()
