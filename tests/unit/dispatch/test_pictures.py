"""Pictures that the HTML shows: the logo of the queue, and those of an agent."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from dispatch.domain.compose import LoadedFile, mime
from dispatch.domain.drafts import file_of, session_of
from dispatch.domain.words import Words, words_of
from postbus.appearance import Look
from postbus.contracts.appearance import Appearance, Logo
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Attachment
from send_builders import send_requested

RELAY = OutboundChannel(id="relay", name="Relay", kind="relay")
LOGO = Logo(sha256="a" * 64, size_bytes=4, content_type="image/png", width=10, height=5)
LOOK = Look(appearance=Appearance(id="support", logo=LOGO), queue_name="Support")
SHOT = Attachment(
    name="shot.png", content_type="image/png", size_bytes=4, sha256="b" * 64, inline=True,
    content_id="shot@desk",
)  # fmt: skip
PLAN = Attachment(name="plan.pdf", content_type="application/pdf", size_bytes=4, sha256="c" * 64)
SEES = '<p>Here: <img src="cid:shot@desk"></p>'


def words(*files: Attachment, html: str | None = None, **fields: Any) -> Words:
    request = send_requested().model_copy(update={"html": html, "attachments": files})
    return words_of(request, RELAY, content=None, now=request.requested_at, **fields)


def shape(part: EmailMessage) -> Any:
    """The tree of parts, with what a program would take each leaf for."""
    if part.is_multipart():
        return part.get_content_subtype(), [shape(one) for one in part.iter_parts()]
    return part.get("Content-ID") or part.get_filename() or part.get_content_type()


def written(made: Words) -> EmailMessage:
    data = mime(made, tuple(LoadedFile(one, b"data") for one in made.files)).data
    mail = message_from_bytes(data, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


TEXT, HTML = "text/plain", "text/html"


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (words(), ("alternative", [TEXT, HTML])),
        (words(PLAN), ("mixed", [("alternative", [TEXT, HTML]), "plan.pdf"])),
        (
            words(look=LOOK, logo=b"logo"),
            ("alternative", [TEXT, ("related", [HTML, "<logo@postbus>"])]),
        ),
        (
            words(PLAN, SHOT, html=SEES, look=LOOK, logo=b"logo"),
            (
                "mixed",
                [
                    (
                        "alternative",
                        [TEXT, ("related", [HTML, "<logo@postbus>", "<shot@desk>"])],
                    ),
                    "plan.pdf",
                ],
            ),
        ),
        (words(SHOT), ("mixed", [("alternative", [TEXT, HTML]), "shot.png"])),
    ],
    ids=["plain", "a file", "a logo", "all", "a picture that nobody shows"],
)
def test_pictures_stand_beside_the_html_and_files_beside_all(made: Words, wanted: Any) -> None:
    """RFC 2387: only so they are shown in their place, and not below the mail."""
    assert shape(written(made)) == wanted


def test_the_related_part_says_what_its_root_is() -> None:
    """RFC 2387 §3.1 demands the type, and some programs show nothing without it."""
    mail = written(words(look=LOOK, logo=b"logo"))
    related = next(one for one in mail.walk() if one.get_content_subtype() == "related")
    assert related["Content-Type"].params["type"] == "text/html"
    picture = next(one for one in mail.walk() if one["Content-ID"] == "<logo@postbus>")
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == b"logo"


def test_a_logo_without_its_bytes_is_left_out() -> None:
    made = words(look=LOOK, logo=None)
    assert made.images == ()
    assert "cid:" not in made.html


@pytest.mark.parametrize("content_id", ["x\r\nBcc: all@example.com", "a b", "<x@y>", ""])
def test_an_odd_content_id_makes_an_ordinary_file(content_id: str) -> None:
    odd = SHOT.model_copy(update={"content_id": content_id})
    mail = written(words(odd, html=f'<img src="cid:{content_id}">'))
    assert [one.get_filename() for one in mail.iter_attachments()] == ["shot.png"]


def test_graph_is_told_which_files_the_html_shows() -> None:
    made = words(SHOT, PLAN, html=SEES)
    assert file_of(SHOT, "", made)["isInline"] is True
    assert session_of(SHOT, made)["AttachmentItem"]["contentId"] == "shot@desk"
    assert "isInline" not in file_of(PLAN, "", made)
    assert "isInline" not in file_of(SHOT, "", words(SHOT))


def test_a_notification_of_agents_has_no_signature_for_customers() -> None:
    signed = Look(
        appearance=Appearance(id="support", signature="Yours", signature_html="<b>Yours</b>"),
        queue_name="Support",
    )
    for kind, is_signed in ((SendKind.AGENT_REPLY, True), (SendKind.NOTIFICATION, False)):
        request = send_requested().model_copy(update={"kind": kind})
        made = words_of(request, RELAY, content=None, now=request.requested_at, look=signed)
        assert ("Yours" in made.text, "Yours" in made.html) == (is_signed, is_signed)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (SEES, True),
        ('<img src="cid:shot%40desk">', True),
        ("<img src=cid:shot@desk>", True),
        ('<img src="cid:shot@desk.2">', False),
        ('<img src="cid:shot@desks">', False),
    ],
)
def test_a_file_is_shown_only_by_its_own_id(html: str, *, shown: bool) -> None:
    """One that nothing shows would be invisible beside the HTML; it is an attachment."""
    assert words(SHOT, html=html).shows(SHOT) is shown
