"""The header of a mail as programs write it into the text above a quoted or forwarded mail.

What each field is called in the languages that mail programs speak. The same word may mean two
fields in two languages (`Da` is From in Italian, `Data` a date in Polish and Italian).
"""

# ruff: noqa: RUF001 - other alphabets look alike, and these are meant

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LABELS: Final = {
    "from": (
        "From", "Van", "Von", "De", "Da", "Från", "Fra", "Lähettäjä", "Od", "От", "Від", "Kimden",
        "Gönderen", "Feladó", "De la", "Từ", "发件人", "發件人", "寄件者", "差出人", "送信者",
        "送信元", "보낸 사람", "Expéditeur", "Remitente", "Afzender", "Absender", "Mittente",
        "Avsändare", "Afsender", "Avsender", "Nadawca", "Odesílatel", "Отправитель", "Remetente",
    ),
    "date": (
        "Sent", "Date", "Sent on", "Sent at", "Verzonden", "Verzonden op", "Datum", "Verstuurd",
        "Gesendet", "Gesendet am", "Envoyé", "Envoyé le", "Date d'envoi", "Enviado", "Enviado el",
        "Enviado em", "Enviada em", "Enviada", "Fecha", "Data", "Inviato", "Inviata", "Data invio",
        "Skickat", "Skickades", "Sendt", "Dato", "Lähetetty", "Päivämäärä", "Päiväys", "Wysłano",
        "Wysłane", "Data wysłania", "Odesláno", "Отправлено", "Дата", "Надіслано", "Tarih",
        "Gönderilme", "Gönderme Tarihi", "Gönderildi", "Elküldve", "发送时间", "發送時間",
        "傳送時間", "寄件日期", "已傳送", "发送日期", "日期", "時間", "日時", "日付", "送信日時",
        "날짜",
    ),
    "to": (
        "To", "Aan", "An", "À", "A", "Para", "Till", "Til", "Vastaanottaja", "Do", "Komu", "Кому",
        "Kime", "Alıcı", "Címzett", "收件人", "收件者", "宛先", "받는 사람", "Destinataire",
        "Destinatario", "Destinatário", "Per", "Adresat",
    ),
    "cc": (
        "Cc", "Kopie", "Kopia", "Kopi", "Kopio", "Copie", "Copie à", "Копия", "Копія", "DW",
        "Bilgi", "抄送", "副本", "参照",
    ),
    "subject": (
        "Subject", "Onderwerp", "Betreff", "Objet", "Asunto", "Assunto", "Oggetto", "Ämne", "Emne",
        "Aihe", "Temat", "Předmět", "Тема", "Konu", "Tárgy", "Chủ đề", "主题", "主題", "主旨",
        "件名", "제목",
    ),
    "reply-to": (
        "Reply-To", "Antwoord aan", "Beantwoorden", "Antwort an", "Répondre à", "Responder a",
        "Rispondi a", "Risposta", "Odpowiedz do", "Svara till", "Svar til", "Vastausosoite",
        "Odpověď", "Yanıtla", "返信先", "回复", "Ответить",
    ),
}  # fmt: skip
_FIELD_OF: Final = {word.casefold(): name for name, words in _LABELS.items() for word in words}
_MAX_LABEL_CHARACTERS: Final = max(map(len, _FIELD_OF))
_MAX_MARK_CHARACTERS: Final = 24
_MARKS: Final = " \t\xa0>|*"
_COLONS: Final = (":", "\uff1a")
_MAX_LINES: Final = 25
_MAX_UNKNOWN: Final = 2
_MAX_VALUE_CHARACTERS: Final = 500
_CLOCK: Final = re.compile(r"\d{1,2}[:.h]\d{2}")
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class HeaderBlock:
    """The fields that stand in a text, and the line after them."""

    fields: dict[str, str]
    end: int


def field_of(line: str) -> tuple[str, str] | None:
    """The field (`from`, `date`, `to`, `cc`, `subject`, `reply-to`) a line is, and its value."""
    label, value = _split(line)
    field = _FIELD_OF.get(label.casefold()) if label else None
    if field is None:
        return None
    return field, value[:_MAX_VALUE_CHARACTERS].strip().strip("*").strip()


def block_at(lines: list[str], start: int) -> HeaderBlock | None:
    """The header block that begins with that line: From and a second field at least.

    Values may go on in the next line; one or two empty lines may stand between fields, and as many
    fields that are unknown here (Importance, Attachments).
    """
    block = _fields_at(lines, start)
    return block if "from" in block.fields and len(block.fields) >= 2 else None


def begins_a_mail(lines: list[str], start: int, *, is_below_a_rule: bool = False) -> bool:
    """Whether the header of a mail begins with that line: people write "From: … To: …", too.

    Below a line that programs draw, two fields are enough; elsewhere the values must look like
    those of a mail.
    """
    fields = _fields_at(lines, start).fields
    if len(fields) < 2 or not ("from" in fields or ("date" in fields and "to" in fields)):
        return False
    if is_below_a_rule:
        return True
    date = fields.get("date", "")
    is_timed = bool(_CLOCK.search(date) and _YEAR.search(date))
    is_addressed = any("@" in fields.get(one, "") for one in ("from", "to", "reply-to"))
    if len(fields) == 2:
        return is_timed and is_addressed
    return "from" in fields and ("subject" in fields or is_timed or is_addressed)


def _fields_at(lines: list[str], start: int) -> HeaderBlock:
    fields: dict[str, str] = {}
    last, end, empty, unknown = "", start, 0, 0
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
        elif last and not empty and unknown < _MAX_UNKNOWN and _split(line)[0]:
            unknown += 1
        else:
            break
    return HeaderBlock(fields, end)


def _split(line: str) -> tuple[str, str]:
    """What stands before the first colon, without marks, and after it; both empty if too long."""
    head = line[: _MAX_LABEL_CHARACTERS + _MAX_MARK_CHARACTERS]
    colons = [at for at in map(head.find, _COLONS) if at >= 0]
    if not colons:
        return "", ""
    at = min(colons)
    label = line[:at].strip(_MARKS)
    return (label, line[at + 1 :]) if len(label) <= _MAX_LABEL_CHARACTERS else ("", "")


def _few(lines: list[str], start: int) -> Iterator[tuple[int, str]]:
    for at in range(start, min(start + _MAX_LINES, len(lines))):
        yield at, lines[at]


def _words(line: str) -> str:
    return line.strip(_MARKS)


def _goes_on(value: str, line: str) -> bool:
    """Whether the line belongs to the value above: nothing stood there, or it is a list cut off."""
    return (
        not value
        or value.endswith((",", ";", "<", "[mailto:"))
        or _words(line).startswith(("<", "[mailto:"))
    )
