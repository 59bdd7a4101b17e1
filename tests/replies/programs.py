"""Replies as mail programs write them, in plain text and in HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from replies.languages import LANGUAGES, Language

NAME = "Postbus Helpdesk"
ADDRESS = "helpdesk@postbus.localhost"
WHO = f"{NAME} <{ADDRESS}>"
QUESTION = (
    "Dear customer,\n\nIs the printer plugged in?\n"
    "Please answer above: we read all.\n\nThe helpdesk"
)


@dataclass(frozen=True)
class Reply:
    """A reply, and what of it the writer wrote."""

    name: str
    text: str
    own: str


def attributions() -> Iterator[tuple[str, Language, str]]:
    """Every attribution, filled in, with the name of language and program."""
    for code, language in LANGUAGES.items():
        for program, pattern in language.attributions.items():
            filled = pattern.format(who=WHO, name=NAME, address=ADDRESS)
            yield f"{code} {program}", language, filled


def header_block(language: Language, order: tuple[int, ...] = (0, 1, 2, 3)) -> str:
    """The header of the answered mail as Outlook shows it."""
    values = (WHO, language.sent, "Tineke Vos <tineke@example.com>", "Printer")
    return "\n".join(f"{language.labels[n]}: {values[n]}" for n in order)


def marked(text: str) -> str:
    """The text as a quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def attributed_replies() -> Iterator[Reply]:
    """Programs that say who wrote what they quote."""
    for name, language, attribution in attributions():
        own = f"{language.own}\n\n{language.closing}"
        quote = marked(QUESTION)
        yield Reply(f"{name} above", f"{own}\n\n{attribution}\n\n{quote}\n", own)
        yield Reply(f"{name} without a blank line", f"{own}\n{attribution}\n{quote}\n", own)
        yield Reply(f"{name} without marks", f"{own}\n\n{attribution}\n\n{QUESTION}\n", own)
        yield Reply(f"{name} below", f"{attribution}\n{quote}\n\n{own}\n", own)
        thread = marked(f"{QUESTION}\n\n{attribution}\n{quote}")
        yield Reply(f"{name} a thread", f"{own}\n\n{attribution}\n\n{thread}\n", own)
        within = marked(f"{attribution}\n\n{QUESTION}")
        yield Reply(f"{name} within the quote", f"{own}\n\n{within}\n", own)
        first, _, rest = attribution.rpartition(" ")
        if first.count(" ") > 3:
            folded = f"{own}\n\n{first}\n{rest}\n\n{quote}\n"
            yield Reply(f"{name} folded", folded, own)
        answers = f"{marked('Is it on?')}\n{language.own}\n\n{marked('Is it hot?')}\n{language.own}"
        text = f"{attribution}\n{answers}\n\n{marked('The helpdesk')}\n"
        yield Reply(f"{name} among the questions", text, answers)


def replies_with_headers() -> Iterator[Reply]:
    """Programs that put the header of the answered mail above it."""
    for code, language in LANGUAGES.items():
        own = f"{language.own}\n\n{language.closing}"
        block, original = header_block(language), language.original
        bold = "\n".join(f"*{one.replace(':', ':*', 1)}" for one in block.split("\n"))
        inner = {
            "outlook": block,
            "outlook web": f"{'_' * 32}\n{block}",
            "outlook in bold": f"{'-' * 30}\n\n{bold}",
            "outlook 2003": f"-----{original}-----\n{block}",
            "samsung": f"-------- {original} --------\n{header_block(language, (0, 1, 2, 3))}",
            "zimbra": f"----- {original} -----\n{header_block(language, (0, 2, 1, 3))}",
            "gmx": header_block(language, (1, 0, 2, 3)),
            "hotmail": header_block(language, (1, 3, 0, 2)),
            "thunderbird": f"-------- {original} --------\n{header_block(language, (3, 1, 0, 2))}",
            "outlook with more": f"{block}\nImportance: High\nAttachments: a.pdf",
        }
        for program, header in inner.items():
            yield Reply(f"{code} {program}", f"{own}\n\n{header}\n\n{QUESTION}\n", own)
        for advertisement in language.advertisements:
            name = f"{code} {advertisement}"
            yield Reply(name, f"{own}\n\n{advertisement}\n\n{block}\n\n{QUESTION}\n", own)
            yield Reply(f"{name} alone", f"{own}\n\n{advertisement}\n", own)


def html_replies() -> Iterator[Reply]:
    """The same in HTML, where programs mark what they quote by what they call it."""
    question = "".join(f"<div>{escape(line) or '<br>'}</div>" for line in QUESTION.split("\n"))
    for code, language in LANGUAGES.items():
        own = f"{language.own}\n\n{language.closing}"
        lines = "".join(f"<div>{escape(line) or '<br>'}</div>" for line in own.split("\n"))
        labels = "<br>".join(
            f"<b>{label}:</b> {escape(value)}"
            for label, value in zip(
                language.labels, (NAME, language.sent, "Tineke", "Printer"), strict=True
            )
        )
        said = escape(language.attributions["gmail"].format(who=WHO, name=NAME, address=ADDRESS))
        cite = f'<blockquote type="cite">{question}</blockquote>'
        quotes = {
            "gmail": f'<div class="gmail_quote"><div class="gmail_attr">{said}<br></div>'
            f'<blockquote class="gmail_quote">{question}</blockquote></div>',
            "apple": f"<div><br>{cite.replace('<div>', f'<div>{said}</div><div>', 1)}</div>",
            "thunderbird": f'<div class="moz-cite-prefix">{said}<br></div>{cite}',
            "unknown words": f'<div class="moz-cite-prefix">Xyzzy plugh</div>{cite}',
            "outlook": '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt">'
            f'<p class="MsoNormal">{labels}</p></div>{question}',
            "outlook web": f'<hr><div id="divRplyFwdMsg" dir="ltr">{labels}</div>{question}',
            "outlook seen in the web": f'<hr><div id="x_divRplyFwdMsg">{labels}</div>{question}',
            "outlook mobile": '<div id="ms-outlook-mobile-signature">Sent with something</div>'
            f'<div id="mail-editor-reference-message-container">{labels}{question}</div>',
            "outlook for mac": f'<span id="OLK_SRC_BODY_SECTION">{labels}{question}</span>',
            "yahoo": f'<div class="ydp1a2b3c4dyahoo_quoted" id="yahoo_quoted_12">{said}{question}'
            "</div>",
            "proton": f'<div class="protonmail_quote">{said}<br>{question}</div>',
            "zoho": f'<div class="zmail_extra">{said}<br>{question}</div>',
            "zimbra": f'<hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__">'
            f"{labels}</div>{question}",
            "gmx": f'<div name="quote" style="border-left:2px solid #C3D9E5">{labels}{question}'
            "</div>",
            "spark": f'<div name="messageReplySection">{said}<br>{cite}</div>',
            "hotmail": f'<hr id="stopSpelling">{labels}<br>{question}',
        }
        for program, quote in quotes.items():
            yield Reply(f"{code} {program}", f"<html><body>{lines}{quote}</body></html>", own)


def forwards() -> Iterator[Reply]:
    """Mails that are passed on: what is passed on is what the writer says."""
    for code, language in LANGUAGES.items():
        block, line = header_block(language), language.forwarded
        for program, text in {
            "gmail": f"{language.own}\n\n---------- {line} ---------\n{block}\n\n{QUESTION}",
            "thunderbird": f"{language.own}\n\n-------- {line} --------\n{block}\n\n{QUESTION}",
            "without words": f"{block}\n\n{QUESTION}",
        }.items():
            yield Reply(f"{code} {program}", text, text)
