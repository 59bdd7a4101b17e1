"""What stands below the writer's words without being any: signature, advertisement, PGP armour.

Closings ("Kind regards, Anna") are the writer's own words; a signature begins where programs mark
it (RFC 3676 §4.3), the advertisement of a telephone where it says what it was sent with.
"""

# ruff: noqa: RUF001 - other alphabets look alike, and these are meant

import re
from typing import Final

DELIMITER_SIGNS: Final = frozenset("-—_")
"""With which a line begins that may be a delimiter."""
_DELIMITER: Final = re.compile(r"^(?:- )?(?:--|—|__)\s?$|^-- \S{0,40}$|^_{10,}\s*$")
_STRICT: Final = frozenset(("-- ", "- -- "))
_MAX_LINES: Final = 15
MAX_SIGNATURE_LINES: Final = 60
"""Below the delimiter of the standard, with its space: legal notices are long."""
_MAX_LIST_LINES: Final = 8
"""Below a line of `_`, as mailing lists put it above their notice."""

_MAX_CHARACTERS: Final = 140
_MAX_WORDS: Final = 10
_TARGET: Final = re.compile(r"[<(\[]\s*(?:https?://|mailto:)[^<>()\[\]\s]*\s*[>)\]]|https?://\S+")
_AROUND: Final = " \t\xa0<>[](){}*_-–—.!|\"'"
_PRODUCT: Final = re.compile(
    r"\b(?:i(?:Phon|Pad|Pod|OS|Mac)|MacBook|Galaxy|Samsung|Android|BlackBerry|Windows|Outlook"
    r"|Huawei|Xiaomi|Redmi|Nokia|Pixel|OnePlus|Oppo|Sony|Xperia|Motorola|HTC|Fairphone|Vivo|LG"
    r"|Yahoo|AOL|GMX|WEB\.DE|freenet|Telekom|Proton|Tutanota|Tuta\b|Spark|Spike|K-9|Thunderbird"
    r"|G-?mail|Mail\.ru|Zoho|Sparrow|Acompli|Airmail|Aqua|BlueMail|TypeApp|Newton|Polymail|Hotmail"
    r"|Superhuman|Canary|myMail|Edison|FairEmail|Mailspring|eM Client|Verizon|T-Mobile|AT&T"
    r"|Vodafone|Orange|Seznam|Interia|Libero|Courrier|(?:smart)?phone|mobil|handy|tablet|device"
    r"|gerät|toestel|telefo|teléfono|téléphone|móvil|telemóvel|celular|puhelim|matkapuh|komórk"
    r"|cihaz|Mails?\b|E-?Mail-App|appareil|dispositiv|устройств|смартфон|телефон)"
    r"|手机|手機|携帯|スマートフォン|スマホ|邮箱|信箱|メール|网易|小米|华为|微信|邮件版|版邮件",
    re.IGNORECASE,
)
_APP: Final = (
    r"(?:Outlook|BlueMail|Blue Mail|TypeApp|Yahoo ?Mail|AOL|Proton ?Mail|Spark|Thunderbird|K-9"
    r"|Gmail|Spike|FairEmail|myMail|Canary|Aqua ?Mail|Samsung)"
)
_MINE: Final = re.compile(
    r"(?:Sent (?:from|via|by|on|using) (?:my|our)|(?:Verzonden|Verstuurd) (?:vanaf|vanuit|via|met"
    r"|van) (?:mijn|m'n)|Gesendet (?:von|über|mit) meine[mr]"
    r"|Envoyée? (?:de|depuis|à partir de) (?:mon|ma)|Enviado (?:desde|de) (?:mi|el)"
    r"|Enviado (?:do|de|a partir do|pelo) (?:meu|minha)"
    r"|Inviat[oa] (?:da|dal|dalla|con)(?: il)? mi[oa]|Wysłan[eo] z (?:mojego|mojej)"
    r"|Skickat från min|Sendt fra m(?:itt|in|it)"
    r"|Lähetetty minun|Odesláno z m(?:ého|é)|Отправлено с моего)\s+",
    re.IGNORECASE,
)
_SENT: Final = re.compile(
    r"(?:Sent (?:from|via|with|using|by)|(?:Verzonden|Verstuurd) (?:van(?:af|uit)?|via|met)"
    r"|Gesendet (?:von|mit|über|aus|via)|Diese (?:Nachricht|E-?Mail|Mail) wurde (?:von|mit|über)"
    r"|Envoyée? (?:de(?:puis)?|à partir d|avec|via|par|grâce)|Provenance ?:"
    r"|Enviad[oa] (?:desde|d[eoa]|con|com|pel[oa]|via|a través|a partir|mediante|usando)"
    r"|Inviat[oa] (?:d[ai]|dal(?:la)?|con|tramite)|Wysłan[eo] (?:ze?|za pomocą|przez)"
    r"|Skickat (?:från|med|via)|Sendt (?:fra|med|via)"
    r"|Lähetetty|Odesláno (?:ze?|přes|pomocí)|Odoslané (?:zo?|cez)|Отправлено (?:с|из|через)"
    r"|Надіслано (?:з|із)|Trimis (?:de|din|cu)|Küldve)\b"
    r"|(?:发自|發自|傳送自|寄自|发送自|來自|来自)",
    re.IGNORECASE,
)
_GET: Final = re.compile(
    r"(?:Get|Download|Try|Holen Sie sich|Laden Sie|Obtenir|Obtenez|Télécharge[rz]|Obtener|Obtén"
    r"|Obtenga|Descargar?|Obter|Obtenha|Baixar|Baixe|Ottieni|Scarica|Pobierz|Uzyskaj|Skaffa|Hämta"
    r"|Hent|Få|Last ned|Hanki|Lataa|Získat|Získejte|Stáhnout|Stáhněte|Скачать|Descarregar"
    rf"|Installeer|获取|取得|下载) ?(?:the |den |o |el |il |l['’]|aplikaci |program |aplikację )?"
    rf"{_APP}\b",
    re.IGNORECASE,
)
_GET_LAST: Final = re.compile(
    rf"(?:{_APP} (?:voor|für|for) (?:iOS|Android|Mac|iPhone|Windows)"
    r"(?: (?:downloaden|herunterladen|beziehen|abrufen|ophalen|installieren))?"
    rf"|(?:iOS|Android|Mac|Windows) (?:için|用|版)? ?(?:の )?{_APP}.{{0,20}})$",
    re.IGNORECASE,
)
_SENT_LAST: Final = re.compile(
    r"^(?:(?:Von|Mit|Via) .{1,60} gesendet|Van(?:af|uit)? .{1,60} (?:verzonden|verstuurd)"
    r"|.{1,60} gönderildi|.{1,40}から送信(?:されました|されたメール|しています)?"
    r"|(?:从|從|用|使用|通过|由).{1,40}(?:发送|發送|傳送|寄出)(?:的邮件)?)$",
    re.IGNORECASE,
)
_MANY_WORDS: Final = re.compile(r"(?:\S+ ){7}")
_EXCUSE: Final = re.compile(
    r"excuse|sorry|pardon|apolog|forgive|entschuldig|verzeih|kürze|tippfehler|excus|beknopt"
    r"|typefout|disculp|errores|scusate|desculp|brevity|typo",
    re.IGNORECASE,
)

_CLOSING: Final = re.compile(
    r"(?:(?:kind|best|warm|many)? ?(?:regards|wishes)|best|cheers|thanks|thank you|yours|sincerely"
    r"|(?:met )?(?:vriendelijke|hartelijke)? ?groet(?:en|jes)?|mvg|gr\.?|bedankt|alvast bedankt"
    r"|(?:mit )?(?:freundliche[nm]?|beste[nm]?|viele[nm]?|liebe[nm]?|herzliche[nm]?)"
    r" gr[uü](?:ß|ss)e?n?|mfg|lg|vg|gr[uü](?:ß|ss)e?|danke|vielen dank"
    r"|(?:bien )?cordialement|cdlt|bien à vous|salutations|merci"
    r"|(?:un )?saludos?|atentamente|gracias|(?:cordiali|distinti)? ?saluti|grazie|atenciosamente"
    r"|cumprimentos|(?:um )?abraço|obrigad[oa]|pozdrawiam|z poważaniem|dziękuję"
    r"|(?:med )?(?:vänliga?|bästa|venlig|vennlig|beste) (?:hälsning(?:ar)?|hilsen)|mvh|hilsen|tack"
    r"|tak|takk|(?:ystävällisin )?terveisin|kiitos|s pozdravem|děkuji|(?:iyi|saygı)\w* ?\w*lar"
    r"|teşekkür\w*|よろしくお願い|敬具|此致|祝好|谢谢|謝謝)(?!\w)",
    re.IGNORECASE,
)

_PGP_BEGINS: Final = "-----BEGIN PGP SIGN"
_PGP_SIGNED: Final = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----\s*$")
_PGP_HEADER: Final = re.compile(r"^(?:Hash|Charset|NotDashEscaped|Version|Comment):")
_PGP_SIGNATURE: Final = re.compile(r"^-----BEGIN PGP SIGNATURE-----\s*$")
_PGP_END: Final = re.compile(r"^-----END PGP SIGNATURE-----\s*$")
_MAX_ARMOUR_LINES: Final = 100


def signature_limit(line: str) -> int:
    """How many lines with words stand at most below this line if a signature begins; -1: none."""
    if _DELIMITER.match(line) is None:
        return -1
    if line in _STRICT:
        return MAX_SIGNATURE_LINES
    return _MAX_LIST_LINES if line.startswith("___") else _MAX_LINES


def is_advertisement(line: str) -> bool:
    """Whether the line says with what the mail was sent: "Sent from my iPhone"."""
    if len(line) > 3 * _MAX_CHARACTERS:
        return False
    words = _TARGET.sub("", line).strip(_AROUND)
    if not words or len(words) > _MAX_CHARACTERS:
        return False
    mine = _MINE.match(words)
    if mine is not None:
        rest = words[mine.end() :].split()
        return len(rest) <= 3 or _names_a_product(rest)
    if _GET.match(words) or _GET_LAST.match(words):
        return len(words.split()) <= _MAX_WORDS
    sent = _SENT.match(words)
    if sent is not None:
        return _names_a_product(words[sent.end() :].split())
    return _SENT_LAST.match(words) is not None and _names_a_product(words.split())


def _names_a_product(words: list[str]) -> bool:
    """Whether the first words name what mails are sent with, and no sentence goes on after it."""
    line = " ".join(words)
    product = _PRODUCT.search(line)
    if product is None or _MANY_WORDS.match(line[: product.start()]):
        return False
    if _EXCUSE.search(line):
        return True
    return len(words) <= _MAX_WORDS and "," not in line[: product.start()]


def is_closing(line: str) -> bool:
    """Whether the line begins as people end a letter, in the languages of the module."""
    return _CLOSING.match(line.strip()[:_MAX_CHARACTERS]) is not None


def armour_in(lines: list[str]) -> set[int]:
    """The numbers of the lines that only serve to sign the text between them (RFC 9580 §7)."""
    found: set[int] = set()
    for at, line in enumerate(lines):
        if not line.startswith(_PGP_BEGINS) or at in found:
            continue
        end = at + 1
        if _PGP_SIGNED.match(line):
            while end < len(lines) and _PGP_HEADER.match(lines[end]):
                end += 1
        elif _PGP_SIGNATURE.match(line):
            last = min(at + _MAX_ARMOUR_LINES, len(lines))
            end = next((one + 1 for one in range(at, last) if _PGP_END.match(lines[one])), last)
        else:
            continue
        found.update(range(at, end))
    return found
