"""Nothing that a person or a mail gives can add a header, end the head, or reach the envelope."""

from email import message_from_bytes
from email.policy import default
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from dispatch.domain.compose import LoadedFile, mime
from dispatch.domain.drafts import draft_of
from dispatch.domain.words import Words, words_of
from postbus.appearance import Look
from postbus.contracts.appearance import Appearance, Logo, QuotedHistory
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, Attachment
from postbus.contracts.sending import Quote, SendRequested
from send_builders import send_requested

_OURS = {
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references",
    "x-postbus-stamp", "auto-submitted", "x-auto-response-suppress", "precedence", "mime-version",
    "content-type", "content-transfer-encoding",
}  # fmt: skip
_OF_PARTS = {
    "content-type", "content-transfer-encoding", "content-disposition", "content-id",
    "mime-version",
}  # fmt: skip
_PLAIN = Look(appearance=Appearance(id="support"), queue_name="Support")
_RELAY = OutboundChannel(id="relay", name="Relay", kind="relay")
_NASTY = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["\r\n", "\n", "\r", "\n\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00", " ",
             "Bcc: all@example.com", "X: y", "=?utf-8?q?=0D=0ABcc:_x?=", "a", ">", "<", ",", '"',
             "\\", "é", "@"]
        ),
        max_size=8,
    ).map("".join),
)  # fmt: skip


@st.composite
def _requests(draw: st.DrawFn) -> SendRequested:
    nasty: Any = draw(st.fixed_dictionaries({
        "subject": _NASTY, "text": _NASTY,
        "html": st.none() | _NASTY | st.just('<img src="cid:x@y">'),
        "in_reply_to": st.none() | _NASTY,
        "references": st.lists(_NASTY, max_size=3).map(tuple),
    }))  # fmt: skip
    who = Address(name=draw(_NASTY), address="anna@example.com")
    quote = Quote(author=who, written_at=send_requested().requested_at, text=draw(_NASTY))
    file = Attachment(
        name=draw(_NASTY), content_type=draw(_NASTY), size_bytes=1, sha256="0" * 64,
        content_id=draw(st.none() | _NASTY | st.just("x@y")),
    )  # fmt: skip
    reply = Address(name=draw(_NASTY), address="support@postbus.localhost")
    return send_requested().model_copy(
        update={
            **nasty, "to": (who,), "cc": (who,), "quote": quote, "earlier": (quote,),
            "attachments": (file,),
            "reply_address": reply, "automatic": draw(st.booleans()),
            "kind": draw(st.sampled_from(SendKind)),
        }
    )  # fmt: skip


@st.composite
def _looks(draw: st.DrawFn) -> Look:
    """An appearance whose words are as nasty as those of a mail, also as templates."""
    text = st.none() | _NASTY | _NASTY.map(lambda nasty: f"{{{{ customer.name }}}}{nasty}")
    frame = _NASTY.map(lambda nasty: f"{nasty}{{{{ logo }}}}{{{{ content }}}}{{{{ mark }}}}")
    appearance = Appearance(
        id="support",
        signature=draw(text),
        quote=draw(st.sampled_from(QuotedHistory)),
        signature_html=draw(text),
        frame=draw(st.none() | frame),
        logo=Logo(sha256="0" * 64, size_bytes=1, content_type="image/png", width=1, height=1),
    )
    return Look(appearance=appearance, queue_name=draw(_NASTY))


def _words(request: SendRequested, look: Look | None = None) -> Words:
    return words_of(
        request, _RELAY, content=None, now=request.requested_at, look=look, logo=b"\x89PNG"
    )


@given(_requests(), _looks())
@example(send_requested().model_copy(update={"subject": "x\u2028Bcc: all@example.com"}), _PLAIN)
@example(send_requested().model_copy(update={"in_reply_to": "x>\x85Bcc: all@example.com"}), _PLAIN)
@example(
    send_requested().model_copy(
        update={"reply_address": Address(name="=??Q?=0D=0AX:_y?=", address="s@postbus.localhost")}
    ),
    _PLAIN,
)
def test_no_input_adds_a_header(request: SendRequested, look: Look) -> None:
    """INVARIANT: the head has our fields and no others, each once, whatever the input was."""
    words = _words(request, look)
    mail = mime(words, tuple(LoadedFile(one, b"x") for one in words.files))
    head = mail.data.partition(b"\r\n\r\n")[0]
    lines = head.split(b"\r\n")
    names = [
        line.partition(b":")[0].decode("ascii").lower() for line in lines if line[:1] not in b" \t"
    ]
    assert set(names) <= _OURS
    assert len(names) == len(set(names))
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r" not in head.replace(b"\r\n", b"")
    read = message_from_bytes(mail.data, policy=default)
    assert {name.lower() for name in read} == set(names)
    assert [one.addr_spec for one in read["To"].addresses] == ["anna@example.com"]
    assert mail.envelope.recipients == ("anna@example.com",)
    assert "\n" not in mail.envelope.sender
    for part in read.walk():
        assert {name.lower() for name in part if part is not read} <= _OF_PARTS


@given(_requests())
def test_no_input_adds_a_line_to_what_graph_is_given_as_headers(request: SendRequested) -> None:
    draft = draft_of(_words(request), "support@postbus.localhost")
    values = [one["value"] for one in draft["internetMessageHeaders"]]
    values += [one["value"] for one in draft.get("singleValueExtendedProperties", ())]
    values += [one["emailAddress"].get("name", "") for one in draft["toRecipients"]]
    assert not any(set(value) & set("\r\n\x00") for value in values)
