"""What stands on NATS: streams, durables, KV buckets, and what each service may touch.

The one place. `postbus.bus.apply` makes it so; the server's user list (`postbus.bus.permissions`),
`docs/events.md` and the manifests are generated from it. Services only bind (`declare=False`).
"""

from dataclasses import dataclass, field

from postbus.contracts.catalogue import (
    ARCHIVIST,
    DRY_RUN_SUBJECT,
    EVERY_SERVICE,
    EXPLAIN_SUBJECT,
    FACTS,
    FILED_SUBJECT,
    FIND_SENT_SUBJECT,
    GUARD_STATE_SUBJECT,
    JUDGE_SUBJECT,
    LIFT_SUBJECT,
    MAILBOX_READERS,
    PROVE_GRAPH_SUBJECT,
    PROVE_SUBJECT,
    PUT_SENT_SUBJECT,
    TRY_GRAPH_SUBJECT,
    TRY_INBOUND_SUBJECT,
    TRY_OUTBOUND_SUBJECT,
)
from postbus.contracts.sending import SendOutcomeEvent

DAY_SECONDS = 86_400
MAX_EVENT_BYTES = 1024 * 1024
"""What a publisher may put on the bus; parked messages, which wrap one, may be larger."""
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""`max_payload` of the server: room for a parked message (base64) around the largest event."""


@dataclass(frozen=True)
class Stream:
    """A JetStream stream; limits retention, so that a later subscriber reads from the beginning.

    `readers` look things up in it, without a durable.
    """

    name: str
    subjects: tuple[str, ...]
    says: str
    readers: tuple[str, ...] = ()
    max_age_seconds: int = 0
    duplicate_window_seconds: int = 3600


@dataclass(frozen=True)
class Durable:
    """A pull consumer that a service binds to, shared by all its replicas.

    `workers` messages are handled at once in a replica. `max_ack_pending` is the limit over all
    replicas: at least replicas x workers. `watchers` are others who may ask how much waits in it.
    """

    name: str
    stream: str
    subjects: tuple[str, ...]
    service: str
    workers: int = 8
    ack_wait_seconds: int = 30
    max_ack_pending: int = 256
    watchers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bucket:
    """A KV bucket; keys may carry a time to live of their own."""

    name: str
    says: str
    readers: tuple[str, ...]
    writers: tuple[str, ...]
    history: int = 1


@dataclass(frozen=True)
class Requests:
    """A subject that is asked and answered at once."""

    subject: str
    answered_by: str
    asked_by: tuple[str, ...]


@dataclass(frozen=True)
class Topology:
    """All of it."""

    streams: tuple[Stream, ...]
    durables: tuple[Durable, ...]
    buckets: tuple[Bucket, ...]
    requests: tuple[Requests, ...]
    services: tuple[str, ...] = field(default=EVERY_SERVICE)
    tools: tuple[str, ...] = (ARCHIVIST,)

    @property
    def users(self) -> tuple[str, ...]:
        """Whoever connects with an nkey for work: services, and programs that people run."""
        return (*self.services, *self.tools)

    def durable(self, name: str) -> Durable:
        """The durable of that name; KeyError if it is not declared."""
        return next(d for d in self.durables if d.name == name)

    def stream_of(self, subject: str) -> Stream:
        """The stream that takes a subject; LookupError if none does."""
        for stream in self.streams:
            for pattern in stream.subjects:
                if subject.startswith(pattern.removesuffix(">")):
                    return stream
        raise LookupError(f"no stream takes {subject}")


MAIL, TICKETS, SENDING = "POSTBUS_MAIL", "POSTBUS_TICKETS", "POSTBUS_SENDING"
CHANNELS, PARKED, AUDIT = "POSTBUS_CHANNELS", "POSTBUS_PARKED", "POSTBUS_AUDIT"
CONFIG_BUCKET, SECRETS_BUCKET = "postbus-config", "postbus-secrets"
GUARD_BUCKET, LEDGER_BUCKET = "postbus-guard", "postbus-ledger"
CURSORS_BUCKET, LEASES_BUCKET = "postbus-cursors", "postbus-leases"
HEALTH_BUCKET = "postbus-health"
SIGN_INS_BUCKET, LIMITS_BUCKET = "postbus-sign-ins", "postbus-limits"
HINTS_BUCKET = "postbus-hints"
IMPORTS = "ticketing-imports"
GRAPH_USERS = ("ingest-graph", "dispatch")

OUTCOMES = tuple(
    f"{fact.type}.>"
    for fact in FACTS
    if fact.model is SendOutcomeEvent and "dispatch" in fact.told_by
)
"""What dispatch tells of its attempts; a bounce is ticketing's own news."""

TOPOLOGY = Topology(
    streams=(
        Stream(MAIL, ("postbus.mail.>",), "mail that came in", readers=("config", ARCHIVIST)),
        Stream(TICKETS, ("postbus.ticket.>",), "what happened to tickets"),
        Stream(SENDING, ("postbus.send.>",), "what goes out, and its outcome",
               readers=("loopguard", "config")),
        Stream(CHANNELS, ("postbus.channel.>",), "health of channels",
               max_age_seconds=90 * DAY_SECONDS),
        Stream(PARKED, ("postbus.parked.>",), "messages that could not be handled"),
        Stream(AUDIT, ("postbus.audit.>",), "changes of the configuration"),
    ),
    durables=(
        Durable("ticketing-mail", MAIL, ("postbus.mail.received.>",), "ticketing"),
        # One at a time: mail from before must not keep the mail of today waiting.
        Durable(IMPORTS, MAIL, ("postbus.mail.imported.>",), "ticketing", workers=1,
                watchers=(*MAILBOX_READERS, ARCHIVIST)),
        Durable("ticketing-outcomes", SENDING, OUTCOMES, "ticketing"),
        Durable("dispatch-requests", SENDING, ("postbus.send.requested.>",), "dispatch"),
        Durable("loopguard-mail", MAIL, ("postbus.mail.received.>",), "loopguard", workers=4),
        Durable("loopguard-requests", SENDING, ("postbus.send.requested.>",), "loopguard",
                workers=2),
        # Some servers say at once what others report later.
        Durable("loopguard-bounces", SENDING,
                ("postbus.send.bounced.>", "postbus.send.failed.>"), "loopguard", workers=2),
        Durable("dispatch-decisions", SENDING, ("postbus.send.decided.>",), "dispatch"),
    ),
    buckets=(
        Bucket(CONFIG_BUCKET, "the configuration", (*EVERY_SERVICE, ARCHIVIST), ("config",),
               history=64),
        Bucket(SECRETS_BUCKET, "sealed secrets", ("dispatch", *MAILBOX_READERS, "config"),
               ("config",)),
        Bucket(CURSORS_BUCKET, "how far a mailbox or an import was read",
               (*MAILBOX_READERS, ARCHIVIST), (*MAILBOX_READERS, ARCHIVIST)),
        Bucket(LEASES_BUCKET, "who holds a mailbox", MAILBOX_READERS, MAILBOX_READERS),
        Bucket(HEALTH_BUCKET, "how channels are doing, and the completeness proofs",
               (*MAILBOX_READERS, "dispatch", "config"), (*MAILBOX_READERS, "dispatch")),
        Bucket(SIGN_INS_BUCKET, "sign-ins that were renewed, sealed, and who renews one now",
               GRAPH_USERS, GRAPH_USERS),
        Bucket(LIMITS_BUCKET, "what a provider lets us do at once and in a while, used together",
               GRAPH_USERS, GRAPH_USERS),
        Bucket(HINTS_BUCKET, "that a mailbox may have news", ("ingest-graph",), ("ingest-graph",)),
        Bucket(GUARD_BUCKET, "counters of the loop guard", ("loopguard",), ("loopguard",)),
        Bucket(LEDGER_BUCKET, "attempts to send", ("dispatch",), ("dispatch",)),
    ),
    requests=(
        Requests(JUDGE_SUBJECT, "loopguard", ("dispatch",)),
        Requests(EXPLAIN_SUBJECT, "loopguard", ("config",)),
        Requests(DRY_RUN_SUBJECT, "loopguard", ("config",)),
        Requests(LIFT_SUBJECT, "loopguard", ("config",)),
        Requests(GUARD_STATE_SUBJECT, "loopguard", ("config",)),
        Requests(TRY_OUTBOUND_SUBJECT, "dispatch", ("config",)),
        Requests(TRY_INBOUND_SUBJECT, "ingest-imap", ("config",)),
        Requests(PROVE_SUBJECT, "ingest-imap", ("config",)),
        Requests(TRY_GRAPH_SUBJECT, "ingest-graph", ("config",)),
        Requests(PROVE_GRAPH_SUBJECT, "ingest-graph", ("config",)),
        Requests(PUT_SENT_SUBJECT, "ingest-imap", ("dispatch",)),
        Requests(FIND_SENT_SUBJECT, "ingest-imap", ("dispatch",)),
        Requests(FILED_SUBJECT, "ticketing", MAILBOX_READERS),
    ),
)  # fmt: skip


def inbox_prefix(user: str) -> str:
    """The reply inbox of one user; distinct, so that no user can listen to another's answers."""
    return f"_INBOX_{user.replace('-', '_')}"
