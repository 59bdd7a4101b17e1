"""A customer's answer to our mail: its own words and the mark are found, whatever quotes it."""

from email.message import EmailMessage

import pytest

from dispatch.domain.words import words_of
from postbus.appearance import Look
from postbus.contracts.appearance import Appearance
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Address
from postbus.contracts.sending import Quote
from postbus.mail.parse import parse
from send_builders import STAMP, send_requested

RELAY = OutboundChannel(id="relay", name="Relay", kind="relay")
FRAME = (
    "<html><head><style>p { margin: 0 }</style></head><body><h1>{{ queue.name }}</h1>"
    "{{ content }}<hr>{{ signature }}{{ quote }}<p>{{ mark }}</p></body></html>"
)
LOOKS = {
    "shipped": Appearance(id="support", signature="Kind regards,\nSupport"),
    "own": Appearance(id="support", signature="Kind regards,\nSupport", frame=FRAME),
}
SAID = "Thanks, that helped."
PROGRAMS = {
    "gmail": (
        '<div dir="ltr">{said}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        "On Mon, Mar 2, 2026 at 10:00 AM Support &lt;support@postbus.localhost&gt; wrote:<br></div>"
        '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{body}</blockquote></div>'
    ),
    "apple mail": (
        '<html><body>{said}<br><div><br><blockquote type="cite"><div>On 2 Mar 2026, at 10:00, '
        "Support &lt;support@postbus.localhost&gt; wrote:</div><br>{body}</blockquote></div>"
        "</body></html>"
    ),
    "outlook": (
        '<html><body><p class="MsoNormal">{said}</p><div style="border:none;border-top:solid '
        '#E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p class="MsoNormal"><b>From:</b> Support '
        "&lt;support@postbus.localhost&gt;<br><b>Sent:</b> Monday, March 2, 2026 10:00 AM<br>"
        "<b>To:</b> Anna &lt;anna@example.com&gt;<br><b>Subject:</b> Re: Printer on fire</p></div>"
        "{body}</body></html>"
    ),
    "outlook on the web": (
        '<html><body><div>{said}</div><div id="appendonsend"></div><hr style="width:98%"><div '
        'id="divRplyFwdMsg" dir="ltr"><b>From:</b> Support<br><b>Sent:</b> Monday, March 2, 2026'
        "<br><b>To:</b> Anna<br><b>Subject:</b> x</div>{body}</body></html>"
    ),
    "thunderbird": (
        '<html><body><p>{said}</p><div class="moz-cite-prefix">On 02.03.26 10:00, Support wrote:'
        '<br></div><blockquote type="cite" cite="mid:x">{body}</blockquote></body></html>'
    ),
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("look", LOOKS)
def test_the_words_of_an_answer_are_the_customers_own(look: str, program: str) -> None:
    """INVARIANT: the frame is no part of what a customer said, and brings our mark back."""
    request = send_requested()
    anna = Address(name="Anna", address="anna@example.com")
    quote = Quote(author=anna, written_at=request.requested_at, text="It burns.")
    ours = words_of(
        request.model_copy(update={"quote": quote}),
        RELAY,
        content=None,
        now=request.requested_at,
        look=Look(appearance=LOOKS[look], queue_name="Support"),
    )
    body = ours.html.partition("<body")[2].partition(">")[2].partition("</body>")[0]
    answer = EmailMessage()
    answer["From"], answer["To"] = "Anna <anna@example.com>", "support@postbus.localhost"
    answer["Subject"], answer["Message-ID"] = "Re: Printer on fire", "<answer@example.com>"
    answer.set_content(PROGRAMS[program].format(said=SAID, body=body), subtype="html")
    read = parse(answer.as_bytes())
    assert read.text == SAID
    assert STAMP in read.full_text
