"""What a later reading of the same bytes changes: how a mail is shown, never where it belongs."""

from dataclasses import replace

from postbus.contracts.mail import MailReceived
from ticketing.domain.filing import description_of, is_automatic, title_of
from ticketing.domain.model import Direction, Message, Ticket

READ_AGAIN = (
    "subject", "text", "full_text", "html", "content", "attachments", "kind", "automatic",
    "calendar", "protection", "problems", "reread_at",
)  # fmt: skip
"""The fields of a message that follow from how its mail was read."""


def is_newer(before: Message, mail: MailReceived) -> bool:
    """Whether the mail is a later reading than what is kept, or that very one once more."""
    return mail.reread_at is not None and (
        before.reread_at is None or mail.reread_at >= before.reread_at
    )


def reread_message(before: Message, mail: MailReceived) -> Message:
    """The message as the mail reads now; what we wrote ourselves stays ours."""
    is_ours = before.direction is Direction.OUTBOUND
    return replace(
        before,
        subject=mail.subject,
        text=mail.text,
        full_text=mail.full_text,
        html=mail.html,
        content=mail.content,
        attachments=mail.attachments,
        kind=before.kind if is_ours else mail.kind,
        automatic=before.automatic if is_ours else is_automatic(mail) or before.about is not None,
        calendar=mail.calendar,
        protection=mail.protection,
        problems=mail.problems,
        reread_at=mail.reread_at,
    )


def reread_ticket(ticket: Ticket, before: Message, mail: MailReceived) -> Ticket | None:
    """The ticket that the mail opened, with what it took from it; None where nothing changes."""
    if ticket.first_message != before.id or not is_newer(before, mail):
        return None
    after = replace(ticket, title=title_of(mail), description=description_of(mail))
    return None if after == ticket else after
