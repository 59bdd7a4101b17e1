"""Builds ticketing: store, bus, handlers and API."""

from collections.abc import Callable

import structlog
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient  # noqa: TID251 - the one line that picks the driver
from prometheus_client import CollectorRegistry

from postbus.blobs import BlobStore, open_store
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import IMPORTS
from postbus.configuration import Follower
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import FILED_SUBJECT
from postbus.contracts.mail import MailImportedEvent, MailReceivedEvent
from postbus.contracts.mailboxes import AskFiled
from postbus.contracts.sending import SendOutcomeEvent
from postbus.errors import TemporaryError
from postbus.runtime import body_limit, problems
from postbus.runtime.auth import BearerAuth
from postbus.runtime.rounds import Rounds
from postbus.runtime.serve import Service
from postbus.tokens import Stamper, read_keys
from ticketing.accounting import Accounting, could_not_look
from ticketing.adapters.langid_languages import LangidLanguages
from ticketing.adapters.mongo_errors import mongo_errors
from ticketing.adapters.mongo_filed import MongoFiled
from ticketing.adapters.mongo_indexes import ensure_indexes
from ticketing.adapters.mongo_listed import MongoListed
from ticketing.adapters.mongo_notices import MongoNotices
from ticketing.adapters.prometheus_fallbacks import PrometheusFallbacks
from ticketing.answering import Answering
from ticketing.api.parts import Api
from ticketing.api.routes import router
from ticketing.crossing_off import CrossingOff
from ticketing.handlers import MailHandlers, OutcomeHandlers
from ticketing.importing import ImportHandlers
from ticketing.notifying import Notifying
from ticketing.settings import TicketingSettings
from ticketing.surroundings import Surroundings
from ticketing.telling import Telling

log = structlog.get_logger("ticketing")


def build(settings: TicketingSettings) -> Service:
    """Everything constructed and nothing started."""
    registry = CollectorRegistry()
    bus = Bus(
        BusSettings(
            settings.nats_url,
            "ticketing",
            settings.nats_seed_file,
            graceful_seconds=settings.graceful_seconds,
        ),
        registry,
    )
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(
        settings.mongodb_url.get_secret_value(),
        tz_aware=True,
        appname="ticketing",
        serverSelectionTimeoutMS=3000,
        connectTimeoutMS=3000,
        socketTimeoutMS=20000,
    )
    database = client[settings.mongodb_database]
    parts = _Parts(settings, bus, database, client.close, registry)
    return Service(
        name="ticketing",
        start=parts.start,
        stop=parts.stop,
        registry=registry,
        api=_api(parts),
        ready_checks=[bus.ready_problems, parts.follower.ready_problems, parts.store_problems],
    )


class _Parts:
    """The pieces of the service and their life."""

    def __init__(
        self,
        settings: TicketingSettings,
        bus: Bus,
        database: object,
        close_database: Callable[[], None],
        registry: CollectorRegistry,
    ) -> None:
        self.bus = bus
        self._close_database = close_database
        self.max_request_bytes = settings.max_request_bytes
        self.follower = Follower()
        self.blobs: BlobStore = open_store(settings.blob_url)
        self.listed = MongoListed(database)
        self._database = database
        self._rounds = Rounds(self._sweep, name="sweep", seconds=settings.sweep_seconds)
        store = MongoFiled(database)
        self._crossing_off = CrossingOff(store)
        self.around = Surroundings(
            store=store,
            telling=Telling(store, bus, self._crossing_off),
            configuration=lambda: self.follower.current,
            stamper=Stamper(settings.tenant, read_keys(settings.stamp_keys_file)),
            now=utc_now,
            language_of=LangidLanguages(),
            receipt_failed=PrometheusFallbacks(registry),
        )
        self.notices = MongoNotices(database)
        self._notifying = Notifying(self.around, self.notices, desk_url=settings.desk_url)
        self._turns = Rounds(self._notify, name="notify", seconds=settings.notify_seconds)
        bus.consume("ticketing-mail", MailReceivedEvent, MailHandlers(self.around).on_mail_received)
        bus.consume(IMPORTS, MailImportedEvent, ImportHandlers(self.around).on_mail_imported)
        bus.consume("ticketing-outcomes", SendOutcomeEvent, OutcomeHandlers(store).on_outcome)
        accounting = Accounting(self.around)
        bus.answer(FILED_SUBJECT, AskFiled, accounting.which_are_missing, otherwise=could_not_look)

    async def start(self) -> None:
        await ensure_indexes(self._database)
        await self.bus.connect()
        await self.follower.start(self.bus)
        await self.bus.start()
        self._rounds.start()
        self._turns.start()

    async def stop(self) -> None:
        await self._turns.stop()
        await self._rounds.stop()
        await self.follower.stop()
        await self.bus.stop()
        await self._crossing_off.stop()
        self._close_database()

    async def store_problems(self) -> list[str]:
        try:
            async with mongo_errors():
                await self._database.command("ping")  # type: ignore[attr-defined]
        except TemporaryError as error:
            return [str(error)]
        return []

    async def _sweep(self) -> None:
        told = await self.around.telling.sweep(now=utc_now())
        if told:
            log.info("untold_facts_told", tickets=told)

    async def _notify(self) -> None:
        sent = await self._notifying.round()
        if sent:
            log.info("agents_notified", notifications=sent)


def _api(parts: _Parts) -> FastAPI:
    app = FastAPI(
        title="Postbus ticketing API",
        version="1",
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
    )
    problems.install(app)
    body_limit.install(app, max_bytes=parts.max_request_bytes)
    api = Api(parts.around, parts.listed, parts.blobs, Answering(parts.around), parts.notices)
    app.include_router(router(api, BearerAuth(parts.follower)))
    return app
