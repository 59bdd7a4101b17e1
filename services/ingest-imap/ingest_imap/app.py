"""Builds ingest-imap: connections, the readers of mailboxes, and its answers."""

import random

from prometheus_client import Counter

from ingest_imap.adapters.imap_connections import ImapConnections, ImapLimits
from ingest_imap.adapters.imap_dialling import ImapDialling
from ingest_imap.domain.cursor import Cursor
from ingest_imap.proving import FolderProofs
from ingest_imap.reading import FolderReader
from ingest_imap.sent_mail import SentMail
from ingest_imap.settings import IngestImapSettings
from ingest_imap.surroundings import Limits, Surroundings
from ingest_imap.trying import Trying
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import (
    FIND_SENT_SUBJECT,
    PROVE_SUBJECT,
    PUT_SENT_SUBJECT,
    TRY_INBOUND_SUBJECT,
)
from postbus.contracts.mailboxes import FindSent, PutSent
from postbus.contracts.trying import TryInbound
from postbus.mailboxes.service import MailboxService
from postbus.runtime.serve import Service

NAME, KIND = "ingest-imap", "imap"


def build(settings: IngestImapSettings) -> Service:
    """Everything constructed and nothing started."""
    mail = MailboxService(settings, name=NAME, kind=KIND)
    dialling = ImapDialling(
        _connections(settings), mail.secret_of, mail.board.credential, threads=settings.imap_threads
    )
    around = _surroundings(settings, mail, dialling)
    mail.read(
        lambda channel, folder, lease: FolderReader(around, channel, folder, lease),
        FolderProofs(dialling, around.cursors, mail.telling.ask_filed, utc_now),
        prove_subject=PROVE_SUBJECT,
    )
    trying = Trying(dialling, mail.secret_of)
    mail.bus.answer(TRY_INBOUND_SUBJECT, TryInbound, trying.on_try, otherwise=Trying.failed)
    sent = SentMail(dialling, mail.blobs, mail.channel)
    mail.bus.answer(PUT_SENT_SUBJECT, PutSent, sent.on_put, otherwise=SentMail.put_failed)
    mail.bus.answer(FIND_SENT_SUBJECT, FindSent, sent.on_find, otherwise=SentMail.find_failed)

    async def close() -> None:
        dialling.close()

    return Service(
        name=NAME,
        start=mail.start,
        stop=lambda: mail.stop(close),
        registry=mail.registry,
        ready_checks=[mail.bus.ready_problems, mail.follower.ready_problems],
    )


def _surroundings(
    settings: IngestImapSettings, mail: MailboxService, dialling: ImapDialling
) -> Surroundings:
    return Surroundings(
        connect=dialling,
        cursors=mail.cursors(Cursor),
        taking=mail.taking,
        scheduler=mail.scheduler(settings.imap_threads),
        board=mail.board,
        channel=mail.channel,
        limits=Limits(
            idle_seconds=settings.idle_seconds,
            poll_seconds=settings.poll_seconds,
            max_mail_bytes=settings.max_mail_bytes,
            daily_bytes=settings.daily_bytes,
        ),
        lost=Counter(
            "postbus_imap_connections_lost",
            "Connections that ended unasked",
            registry=mail.registry,
        ),
        now=utc_now,
        spread=random.random,
    )


def _connections(settings: IngestImapSettings) -> ImapConnections:
    limits = ImapLimits(settings.imap_connect_seconds, settings.imap_command_seconds)
    return ImapConnections(settings.reach, settings.tls_contexts, settings.access_tokens, limits)
