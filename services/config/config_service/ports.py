"""What this service needs of the world, in its own words."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from config_service.domain.channel_health import Step
from config_service.domain.google_consent import Consent
from config_service.domain.held_mails import Told
from config_service.domain.loop_verdicts import ToldVerdict
from config_service.domain.microsoft_consent import Consent as AskedConsent
from config_service.domain.microsoft_consent import Flow
from postbus.configuration import Kept
from postbus.connecting import GoogleRefreshToken
from postbus.connecting.credentials import MicrosoftSignIn
from postbus.contracts.appearance import LogoType
from postbus.contracts.base import BlobRef, JsonObject
from postbus.contracts.channels import AuditRecord
from postbus.contracts.configuration import Change, InboundChannel, OutboundChannel
from postbus.contracts.dkim import DkimAlgorithm
from postbus.contracts.guard import (
    DryRun,
    DryRunRequest,
    GuardState,
    JudgeRequest,
    Lifted,
    LiftRequest,
    Verdict,
)
from postbus.contracts.mail import MailDecided, MailReceived
from postbus.contracts.mailboxes import CompletenessProof, KnownHealth
from postbus.contracts.trying import TryResult


class Store(Protocol):
    """The documents of the configuration, with compare-and-set; BusUnavailable from every call."""

    async def all(self) -> Sequence[Kept]:
        """The last revision of every document, removed ones included."""

    async def get(self, kind: str, id_: str) -> Kept | None:
        """The document, or None when it never was or was removed."""

    async def ever(self, kind: str, id_: str) -> bool:
        """Whether the document is or was there."""

    async def create(self, kind: str, id_: str, document: JsonObject, *, change: Change) -> Kept:
        """Write a document that is not there; StateConflict if it is."""

    async def replace(self, kept: Kept, document: JsonObject | None, *, change: Change) -> Kept:
        """Write over that very revision, or remove it with None; StateConflict if it moved on."""

    async def history(self, kind: str, id_: str) -> tuple[Sequence[Kept], bool]:
        """The revisions that are still known, oldest first, and whether the first is among them."""

    async def mark(self, name: str) -> int | None:
        """A number that this service remembers for itself."""

    async def set_mark(self, name: str, value: int) -> None:
        """Remember a number."""


class Secrets(Protocol):
    """Where sealed secrets go; BusUnavailable from every call."""

    async def kept(self, name: str) -> str | None:
        """The sealed secret under that name, if there is one."""

    async def keep(self, name: str, sealed: str) -> None:
        """Keep a sealed secret in the place of the one before."""

    async def forget(self, name: str) -> None:
        """Have none under that name."""


class TellAudit(Protocol):
    """Tells the fact that something was changed."""

    async def __call__(self, record: AuditRecord) -> None:
        """Return when the stream has it; telling it twice is told once. BusUnavailable."""


class TellMail(Protocol):
    """Tells what becomes of held mail; BusUnavailable from every call."""

    async def received(self, fact: MailReceived, *, imported: bool) -> None:
        """The mail as one that was received, or imported; PermanentError if no event carries it."""

    async def decided(self, fact: MailDecided) -> None:
        """That somebody decided about it."""


class TryInboundChannel(Protocol):
    """Has the service that reads such mailboxes try one."""

    async def __call__(self, channel: InboundChannel, sealed_secret: str | None) -> TryResult:
        """How far it came; BusUnavailable when that service does not answer."""


class TryOutboundChannel(Protocol):
    """Has dispatch try a channel."""

    async def __call__(self, channel: OutboundChannel, sealed_secret: str | None) -> TryResult:
        """How far it came; BusUnavailable when dispatch does not answer."""


class Known(Protocol):
    """What the services that use channels know of them; BusUnavailable from every call."""

    async def health(self) -> Mapping[str, KnownHealth]:
        """What was said last, by `inbound.<id>` and `outbound.<id>`."""

    async def proof(self, channel_id: str) -> CompletenessProof | None:
        """The completeness proof that was made last."""


class Prove(Protocol):
    """Has the service that reads it compare a mailbox with what is known of it."""

    async def __call__(self, channel: InboundChannel) -> CompletenessProof:
        """The proof; BusUnavailable when that service does not answer."""


class GoogleConsent(Protocol):
    """Asks the owner of a mailbox at Google for consent."""

    def authorize_url(self, consent: Consent) -> str:
        """The page of Google that asks."""

    async def redeem(self, consent: Consent, code: str) -> GoogleRefreshToken:
        """What the code stands for.

        Raises:
            CredentialsRejected: Google does not take code or client, or not all was granted; with
                reason and advice.
            MailHostUnavailable: Google could not be asked.
        """


class MicrosoftConsent(Protocol):
    """Asks a person with an account of Microsoft 365 for consent.

    Every method raises CredentialsRejected where Microsoft does not take client, person or answer,
    with reason and advice; and MailHostUnavailable where Microsoft cannot be asked.
    """

    async def begin(self, consent: AskedConsent, redirect_url: str) -> tuple[Flow, str]:
        """A sign-in by authorization code, and the page of Microsoft that asks."""

    async def begin_device(self, consent: AskedConsent) -> Flow:
        """A sign-in by device code; `kept` has what the person is to be told (RFC 8628 §3.2)."""

    async def redeem(self, flow: Flow, returned: Mapping[str, str]) -> MicrosoftSignIn:
        """What the parameters that came back stand for."""

    async def redeem_device(self, flow: Flow) -> MicrosoftSignIn | None:
        """The same, asked once; None while the person is not done."""


class CheckDoor(Protocol):
    """Knocks at the SMTP door that forwarded mail comes in by."""

    async def __call__(self) -> Step:
        """Whether it answers; unknown where this service was not told where it is."""


class Archive(Protocol):
    """What was told of mails; BusUnavailable from every call."""

    async def held(self) -> Sequence[Told]:
        """Every fact about mails that are or were held."""

    def verdicts(self, since: datetime, queue: str | None) -> AsyncIterator[ToldVerdict]:
        """The verdicts of the loop guard from then on, of one queue or all, oldest first."""


class AskGuard(Protocol):
    """Asks the loop guard; BusUnavailable from every call when it does not answer."""

    async def explain(self, question: JudgeRequest) -> Verdict:
        """The verdict that it would give; nothing is counted."""

    async def dry_run(self, request: DryRunRequest) -> DryRun:
        """What other limits would have decided."""

    async def lift(self, request: LiftRequest) -> Lifted:
        """Let it forget."""

    async def state(self) -> GuardState:
        """What holds more than one mail now."""


class NoPicture(Exception):
    """The bytes are no picture that we take; says why."""


@dataclass(frozen=True)
class Picture:
    """A picture that can be shown; sizes in pixels."""

    content_type: LogoType
    width: int
    height: int


class Pictures(Protocol):
    """Looks at pictures that people upload."""

    def look_at(self, data: bytes) -> Picture:
        """What it is, after reading all of it; NoPicture."""


@dataclass(frozen=True)
class DkimPair:
    """A new key pair; the public half is in base64, as it is published."""

    public_key: str
    private_key: SecretStr


MakeDkimPair = Callable[[DkimAlgorithm], DkimPair]
"""Makes a pair that nobody had before; takes a while, and must not be waited for on the loop."""


class TxtRecords(Protocol):
    """Asks DNS."""

    async def __call__(self, name: str, /) -> tuple[str, ...]:
        """The TXT records of a name as it is now, each with its strings joined; TemporaryError."""


class Logos(Protocol):
    """Where the bytes of logos are. Raises StoreUnavailable."""

    async def put(self, data: bytes, /) -> BlobRef:
        """Keep the bytes."""

    async def get(self, sha256: str, /) -> bytes:
        """The bytes; BlobMissing."""


class Blobs(Protocol):
    """Where the bytes of mails are."""

    async def open(self, sha256: str, /) -> AsyncIterator[bytes]:
        """The bytes, piece by piece; BlobMissing, StoreUnavailable."""

    async def get(self, sha256: str, /) -> bytes:
        """All of them; BlobMissing, StoreUnavailable."""

    async def put(self, data: bytes, /) -> BlobRef:
        """Keep bytes; StoreUnavailable."""

    async def put_pieces(self, ref: BlobRef, pieces: Iterable[bytes], /) -> None:
        """Keep what was measured before, piece by piece; StoreUnavailable."""
