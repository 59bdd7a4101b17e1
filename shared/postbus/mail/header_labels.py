"""The header of a mail as programs write it into the text above a quoted or forwarded mail.

What each field is called in the languages that mail programs speak. The same word may mean two
fields in two languages (`Da` is From in Italian, `Data` a date in Polish and Italian).
"""

# ruff: noqa: RUF001, E501 - other alphabets look alike, are meant, and are as wide as they are

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LABELS: Final = {
    "from": (
        "From", "Van", "Von", "De", "Da", "Från", "Fra", "Lähettäjä", "Od", "От", "Від", "Kimden",
        "Gönderen", "Feladó", "De la", "Từ", "发件人", "發件人", "寄件者", "差出人", "보낸 사람", "Expéditeur",
        "Remitente", "Afzender", "Absender", "Mittente", "Avsändare", "Afsender", "Avsender",
        "Nadawca", "Odesílatel", "Отправитель", "Remetente",
    ),
    "date": (
        "Sent", "Date", "Sent on", "Verzonden", "Datum", "Verstuurd", "Gesendet", "Envoyé",
        "Envoyé le", "Enviado", "Enviado el", "Enviado em", "Enviada em", "Fecha", "Data",
        "Inviato", "Data invio", "Skickat", "Sendt", "Dato", "Lähetetty", "Päivämäärä", "Päiväys",
        "Wysłano", "Wysłane", "Odesláno", "Отправлено", "Дата", "Надіслано", "Tarih", "Gönderilme",
        "Gönderildi", "Elküldve", "发送时间", "發送時間", "傳送時間", "寄件日期", "日期", "時間", "日時",
        "送信日時", "날짜",
    ),
    "to": (
        "To", "Aan", "An", "À", "A", "Para", "Till", "Til", "Vastaanottaja", "Do", "Komu", "Кому",
        "Kime", "Alıcı", "Címzett", "收件人", "收件者", "宛先", "받는 사람", "Destinataire", "Destinatario",
        "Per", "Adresat",
    ),
    "cc": ("Cc", "Kopie", "Kopia", "Kopi", "Copie", "Копия", "Копія", "Bilgi", "抄送", "副本", "参照"),
    "subject": (
        "Subject", "Onderwerp", "Betreff", "Objet", "Asunto", "Assunto", "Oggetto", "Ämne", "Emne",
        "Aihe", "Temat", "Předmět", "Тема", "Konu", "Tárgy", "Chủ đề", "主题", "主題", "主旨", "件名", "제목",
    ),
    "reply-to": (
        "Reply-To", "Antwoord aan", "Beantwoorden", "Antwort an", "Répondre à", "Responder a",
        "Rispondi a", "Odpowiedz do", "Svara till", "Svar til", "Ответить",
    ),
}  # fmt: skip
_FIELD_OF: Final = {word.casefold(): name for name, words in _LABELS.items() for word in words}
_WORDS: Final = "|".join(re.escape(word) for word in sorted(_FIELD_OF, key=len, reverse=True))
_LINE: Final = re.compile(
    rf"^[\s>|]{{0,20}}\*{{0,2}}(?P<label>{_WORDS})[\s*]{{0,4}}[:：][\s*]{{0,4}}(?P<value>.*)$",
    re.IGNORECASE,
)
_MAX_LINES: Final = 25
_MAX_VALUE_CHARACTERS: Final = 500


@dataclass(frozen=True)
class HeaderBlock:
    """The fields that stand in a text, and the line after them."""

    fields: dict[str, str]
    end: int


def field_of(line: str) -> tuple[str, str] | None:
    """The field (`from`, `date`, `to`, `cc`, `subject`, `reply-to`) a line is, and its value."""
    found = _LINE.match(line[: _MAX_VALUE_CHARACTERS + 60])
    if found is None:
        return None
    value = found["value"].strip().strip("*").strip()[:_MAX_VALUE_CHARACTERS]
    return _FIELD_OF[found["label"].casefold()], value


def block_at(lines: list[str], start: int) -> HeaderBlock | None:
    """The header block that begins with that line: From and a second field at least.

    Values may go on in the next line; one or two empty lines may stand between fields.
    """
    fields: dict[str, str] = {}
    last, end, empty = "", start, 0
    for at, line in _few(lines, start):
        found = field_of(line)
        if found is not None:
            last = found[0]
            if last in fields:
                break
            fields[last], end, empty = found[1], at + 1, 0
        elif not _words(line):
            empty += 1
            if empty > 2 or not fields:
                break
        elif last and not empty and _goes_on(fields[last], line):
            fields[last] = f"{fields[last]} {_words(line)}".strip()
            end = at + 1
        else:
            break
    return HeaderBlock(fields, end) if "from" in fields and len(fields) >= 2 else None


def _few(lines: list[str], start: int) -> Iterator[tuple[int, str]]:
    for at in range(start, min(start + _MAX_LINES, len(lines))):
        yield at, lines[at]


def _words(line: str) -> str:
    return line.strip(" \t>|\xa0*")


def _goes_on(value: str, line: str) -> bool:
    """Whether the line belongs to the value above: nothing stood there, or it is a list cut off."""
    return (
        not value or value.endswith((",", ";", "<")) or _words(line).startswith(("<", "[mailto:"))
    )
