"""A mail that nobody gets, as it would look."""

from dataclasses import replace

from config_service.appearance_bodies import PreviewBody, PreviewView
from postbus.appearance import Look, dressed, receipt_of
from postbus.appearance.checking import SAMPLE


def previewed(body: PreviewBody, look: Look) -> PreviewView:
    """The answer or receipt to a sample, written by what writes the mails that go out."""
    subject = f"Re: {SAMPLE.about.ticket_title}"
    language = body.language or look.appearance.language
    said = replace(SAMPLE, html=None, language=language)
    if body.mail == "receipt":
        receipt = receipt_of(said.about, look, body.language)
        subject = receipt.subject or subject
        said = replace(
            said, text=receipt.text, language=receipt.language, quotes=(), is_receipt=True
        )
    elif body.text is not None:
        said = replace(said, text=body.text)
    mail = dressed(said, look)
    return PreviewView(subject=subject, text=mail.text, html=mail.html)
