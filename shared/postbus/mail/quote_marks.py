"""How mail programs mark the mail that is answered, in the languages they speak.

Seen in practice: Gmail, Apple Mail, Thunderbird, Outlook (desktop, web, telephone), Yahoo, and what
they say in English, Dutch, German, French, Spanish, Italian, Portuguese, the Nordic languages,
Polish, Czech, Russian, Ukrainian, Turkish, Vietnamese, Chinese and Japanese.
"""

# ruff: noqa: RUF001 - other alphabets look alike, and these are meant

import re
from typing import Final

MAX_SIGNATURE_LINES: Final = 15
MAX_ATTRIBUTION_CHARACTERS: Final = 400

_QUOTED: Final = re.compile(r"^\s{0,3}>")

SIGNATURE: Final = re.compile(r"^(?:--|—|__) ?$|^-- \S{0,40}$")
SENT_FROM: Final = re.compile(
    r"^\s*(?:Sent (?:from|via) (?:my|the|Yahoo|Mail|Outlook|Samsung|ProtonMail|Proton)\b"
    r"|Get Outlook for|Verzonden (?:vanaf|met|via) |Verstuurd vanaf |Download Outlook voor"
    r"|Von meine[mr] .{1,40} gesendet|Gesendet (?:von|mit) |Outlook für (?:iOS|Android)"
    r"|Envoyé (?:de|depuis) (?:mon|ma|Outlook|Yahoo)|Télécharger Outlook|Obtenez Outlook"
    r"|Enviado (?:desde|do|de|a partir do) (?:mi|meu|el|Outlook|Yahoo)|Obtener Outlook"
    r"|Inviato (?:da|dal) |Skickat från |Sendt fra |Wysłane z |Отправлено (?:с|из) )"
    r".{0,80}$",
    re.IGNORECASE,
)

FORWARD: Final = re.compile(
    r"^\s*(?:>\s*)?(?:[-_*=~]{2,}\s*)?(?:(?:Begin )?forwarded (?:message|by\b.*)|Fwd message"
    r"|(?:Begin )?doorgestuurd bericht|Weitergeleitete (?:Nachricht|E-Mail)"
    r"|Anfang der weitergeleiteten (?:Nachricht|E-Mail)|Message transf[ée]r[ée]"
    r"|Début du message (?:réexpédié|transféré)|Mensaje reenviado"
    r"|Inicio del mensaje reenviado|Messaggio inoltrato|Inizio messaggio inoltrato"
    r"|Mensagem encaminhada|Vidarebefordrat meddelande|Videresendt (?:besked|melding)"
    r"|Пересланное сообщение|Přeposlaná zpráva|Wiadomość przekazana dalej)"
    r"\s*:?\s*(?:[-_*=~]{2,})?\s*$",
    re.IGNORECASE,
)
ORIGINAL: Final = re.compile(
    r"^\s*[-_*=]{2,}\s*(?:Original (?:Message|Email|Appointment)|Reply message"
    r"|Oorspronkelijk(?:e)? (?:bericht|e-mail|afspraak)|Origineel bericht"
    r"|Urspr(?:ü|ue)ngliche (?:Nachricht|E-?Mail|Mail)|Originalnachricht|Original-Nachricht"
    r"|Message (?:d'origine|d’origine|original|initial)|Mensaje original|Messaggio originale"
    r"|Mensagem original|Ursprungligt meddelande|Oprindelig meddelelse|Opprinnelig melding"
    r"|Alkuperäinen viesti|Wiadomość oryginalna|Oryginalna wiadomość|Původní zpráva"
    r"|Исходное сообщение|Пересылаемое сообщение|原始邮件|元のメッセージ)\s*[-_*=]{2,}\s*$",
    re.IGNORECASE,
)
RULE: Final = re.compile(r"^\s*(?:_{10,}|-{20,}|\*{10,}|={20,})\s*$")
ABOVE_THIS_LINE: Final = re.compile(
    r"^\W{2,20}.{0,40}(?:reply (?:above|below)|above this line|boven deze (?:regel|lijn)"
    r"|oberhalb dieser (?:Zeile|Linie)|über dieser (?:Zeile|Linie)|au-dessus de cette ligne"
    r"|encima de esta línea)",
    re.IGNORECASE,
)

_WROTE: Final = re.compile(
    r"\b(?:wrote|writes|schreef|schrieb|geschreven|a [ée]crit|escribi[óo]|escreveu|ha scritto"
    r"|scrisse|skrev|kirjoitti|napisał(?:\(a\)|a)?|pisze|napsal(?:\(a\)|a)?|napísal(?:\(a\)|a)?"
    r"|написал(?:\(а\)|а)?|пишет|писал(?:\(а\)|а)?|пише|yazdı|đã viết|scris|írta)(?!\w)"
    r"|写道|寫道|のメール|さんは書きました",
    re.IGNORECASE,
)
_WROTE_STEMS: Final = (
    "wro", "writes", "schr", "écri", "ecri", "escri", "escrev", "scri", "skrev", "kirjoi", "napis",
    "napís", "pisze", "писал", "пише", "yaz", "viết", "írta", "写", "寫", "のメール", "書きま",
)  # fmt: skip
"""One of them is in every line that `_WROTE` finds; looking for them first is ten times faster."""
_SENT: Final = re.compile(r"\b(?:sent|said|says)\s*:$", re.IGNORECASE)
_OPENS: Final = re.compile(
    r"^[\s\"'*(\[-]*(?:(?:On|Op|Am|Le|El|Em|Il|Den|Dne|W dniu|Dnia|В|Vào|På|A|Zo|Ma|Di|Wo|Do|Vr|Za"
    r"|Lunes|Martes|\w{3,9}day|\w{5,7}dag|\w{5,8}tag)\b|[在于]|\d{1,4}[-./年]|\w{2,9}[.,] \d)",
    re.IGNORECASE,
)
_DATED: Final = re.compile(r"\d{4}|\d{1,2}[:.h]\d{2}|\d{1,2}[./-]\d{1,2}")
_ADDRESSED: Final = re.compile(r"[^\s<>]+@[^\s<>]+|<mailto:")
_NAMED: Final = re.compile(r"^[^<>@:]{1,60}<[^<>\s]+@[^<>\s]+>\s*\S{1,15}(?: \S{1,10})?\s*[:：]$")
_NAMED_FIRST: Final = re.compile(r"^[^<>@:]{1,60}<[^<>\s]+@[^<>\s]+> (?:schrieb|schreef|wrote)\b")
_OLD_GMAIL: Final = re.compile(
    r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?: .{0,120}<[^<>\s]+@[^<>\s]+>\s*[:：]?"
    r"| \d{1,2}:\d\d GMT[+-]\d\d:?\d\d .{1,80})$"
)
_ENDS: Final = re.compile(r"(?:[:：]|[a-zé]\s?-{3,}|<[^<>\s]+@[^<>\s]+>)\s*$|GMT[+-]\d\d:?\d\d ")
_LAST_SIGNS: Final = frozenset((":", "：", "-", ">"))


def is_quoted(line: str) -> bool:
    """Whether the line is marked as somebody else's."""
    return _QUOTED.match(line) is not None


def may_end_an_attribution(line: str) -> bool:
    """Whether an attribution may be over with this trimmed line; quick, for all are asked."""
    if line[-1:] not in _LAST_SIGNS and "GMT" not in line:
        return False
    return _ENDS.search(line) is not None


def opens_an_attribution(line: str) -> bool:
    """Whether the line begins as programs begin one: "On", "Op", "Le", a date, a name and verb."""
    return _OPENS.match(line) is not None or _NAMED_FIRST.match(line) is not None


def is_attribution(line: str, *, is_above_a_quote: bool) -> bool:
    """Whether the line says who wrote what follows.

    Above marked quotes a verb is enough; elsewhere it must also name a date or address as programs
    do, since people write "and he wrote:", too.
    """
    if len(line) > MAX_ATTRIBUTION_CHARACTERS:
        return False
    if _OLD_GMAIL.match(line):
        return is_above_a_quote or line.endswith(":") or "GMT" in line
    folded = line.lower()
    if not any(stem in folded for stem in _WROTE_STEMS) or not _WROTE.search(line):
        return is_above_a_quote and _SENT.search(line) is not None
    if is_above_a_quote or _NAMED.match(line):
        return True
    dated, addressed = _DATED.search(line), _ADDRESSED.search(line)
    return bool((dated and addressed) or (_OPENS.match(line) and (dated or addressed)))
