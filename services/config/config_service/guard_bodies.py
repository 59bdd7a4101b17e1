"""What comes in over HTTP and goes out about the loop guard."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from config_service.bodies import STRICT
from postbus.contracts.base import Contract, JsonObject, Slug
from postbus.contracts.configuration import LoopLimits, MailAddress
from postbus.contracts.guard import Alarm, Decision, JudgeRequest, SendKind, Verdict

MAX_MAIL_CHARACTERS = 700_000
"""Of a mail to explain, as it is sent in JSON."""


class LoopLimitsBody(LoopLimits):
    """The limits as they are sent."""

    model_config = STRICT


class VerdictView(Contract):
    """A verdict of the loop guard, and the mail that it is about."""

    id: str = Field(description="its place in the stream")
    at: datetime
    decision: Decision
    rule: str
    reason: str
    evidence: JsonObject
    lifted_by: str
    source: str
    send_id: str = Field(description="the message, as ticketing names it")
    ticket_number: int
    queue: str
    kind: SendKind
    recipients: tuple[str, ...]
    outbound_channel: str
    caused_by: str | None = Field(description="who sent the mail that caused it")


class Verdicts(Contract):
    """A list, newest first."""

    items: tuple[VerdictView, ...]
    next_cursor: str | None = None


class ExplainBody(Contract):
    """A mail that came in, or might, and what would be sent because of it."""

    model_config = STRICT

    mail: Annotated[str, StringConstraints(max_length=MAX_MAIL_CHARACTERS)] | None = Field(
        default=None,
        description="the mail that would cause it, whole, with its headers (RFC 5322); null: what a"
        " person does causes it, or it is an agent's reply",
    )
    mail_base64: Annotated[str, StringConstraints(max_length=MAX_MAIL_CHARACTERS)] | None = Field(
        default=None, description="or its bytes in base64 (RFC 4648 §4)"
    )
    envelope_from: str | None = Field(
        default=None, max_length=320, description="SMTP sender of that mail; empty: `<>`"
    )
    recipient: MailAddress | None = Field(
        default=None, description="whom it would go to; null: whoever wrote the mail"
    )
    kind: SendKind = SendKind.RECEIPT
    queue: Slug = Field(default="support", description="the queue that the mail came to")
    outbound_channel: Slug | None = Field(default=None, description="null: the queue's reply via")
    ticket_number: int = Field(default=0, ge=0, description="0: a new ticket")

    @model_validator(mode="after")
    def _says_who_and_why(self) -> "ExplainBody":
        if self.mail is not None and self.mail_base64 is not None:
            raise ValueError("give `mail` or `mail_base64`, not both")
        no_mail = self.mail is None and self.mail_base64 is None
        if no_mail and self.recipient is None:
            raise ValueError("without a mail there must be a `recipient`")
        if no_mail and self.kind is SendKind.RECEIPT:
            raise ValueError("a receipt answers a mail: give one")
        return self


class ExplanationView(Contract):
    """The verdict that it would get now; nothing is counted."""

    verdict: Verdict
    question: JudgeRequest = Field(
        description="what the guard was asked, as it understood the mail"
    )
    stamps_checked: bool = Field(
        description="whether marks of our own could be verified (STAMP_KEYS_FILE)"
    )


class DryRunBody(Contract):
    """Limits to try out; what is left out is as it is now."""

    model_config = STRICT

    limits: JsonObject = Field(default_factory=dict, description="fields of the loop limits")
    days: int = Field(default=7, ge=1, le=30, description="of recorded mail, back from now")


class LiftBody(Contract):
    """What the guard shall forget."""

    model_config = STRICT

    address: MailAddress | None = Field(
        default=None, description="what was counted of it, and that mail to it bounced"
    )
    fuse: Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,62})$")] | None = (
        Field(default=None, description="an outbound channel, or `*`: the fuse of all of them")
    )

    @model_validator(mode="after")
    def _names_something(self) -> "LiftBody":
        if self.address is None and self.fuse is None:
            raise ValueError("give an `address` or a `fuse`")
        return self


class LiftedView(Contract):
    """What was forgotten, in words; empty where there was nothing."""

    lifted: tuple[str, ...]


class Alarms(Contract):
    """A list: what the guard holds more than one mail for at the moment."""

    items: tuple[Alarm, ...]
    next_cursor: str | None = None
