"""The lines that mail programs draw between what is written and the mail that is answered.

Seen in practice: Gmail, Apple Mail, Thunderbird, Outlook (desktop, web, telephone), Samsung, Yahoo,
Zimbra, QQ, Seznam, eM Client and help desks, in the languages that they speak.
"""

# ruff: noqa: RUF001 - other alphabets look alike, and these are meant

import re
from typing import Final

_QUOTED: Final = re.compile(r"\s{0,3}>")
_INITIALS: Final = re.compile(r"\s?([A-Z]{1,3}>)(?:\s|$)")

FORWARD: Final = re.compile(
    r"^\s*(?:>\s*)?(?:[-_*=~]{2,}\s*)?(?:(?:Begin )?forwarded (?:message|e?-?mail|by\b.*)"
    r"|Fwd message|(?:Begin )?doorgestuurd bericht|Weitergeleitete (?:Nachricht|E-?Mail)"
    r"|(?:Anfang der )?weitergeleiteten? (?:Nachricht|E-?Mail)|Message transf[ée]r[ée]"
    r"|Début du message (?:réexpédié|transféré)|Mensaje reenviado"
    r"|Inicio del mensaje reenviado|Messaggio inoltrato|Inizio (?:del )?messaggio inoltrato"
    r"|Mensagem (?:encaminhada|reencaminhada)|Início da mensagem (?:re)?encaminhada"
    r"|Vidarebefordrat (?:meddelande|mail)|Vidarebefordrat brev"
    r"|(?:Start på |Begynnelse på |Påbegynner )?Videresendt (?:besked|melding|meddelelse|e-mail)"
    r"|Välitetty viesti|Edelleenlähetetty viesti|Alkaa välitetty viesti"
    r"|Пересланное сообщение|Начало переадресованного сообщения|Пересилане повідомлення"
    r"|(?:Začátek )?přepos(?:lané zprávy|laná zpráva)|Preposlaná správa"
    r"|Wiadomość przekazana(?: dalej)?|(?:Początek )?przekazan(?:ej wiadomości|a wiadomość)"
    r"|İletilen (?:mesaj|ileti)|Yönlendirilmiş (?:mesaj|ileti)|Továbbított (?:levél|üzenet)"
    r"|转发的?邮件|轉寄郵件|轉寄的?郵件|转发信息|開始轉寄郵件|转发邮件信息|転送(?:された)?メッセージ"
    r"|전달된 메시지)"
    r"\s*[:：]?\s*(?:[-_*=~]{2,})?\s*$",
    re.IGNORECASE,
)
_ORIGINAL_WORDS: Final = (
    r"(?:Original (?:Message|E-?mail|Appointment)|Original|Reply message|Origin(?:eel|al) bericht"
    r"|Oorspronkelijk(?:e)? (?:bericht|e-?mail|afspraak|vergadering)|Originele? (?:bericht|e-?mail)"
    r"|Urspr(?:ü|ue)ngliche[rs]? (?:Nachricht|E-?Mail|Mail|Termin)|Original-?(?:Nachricht|mail)"
    r"|Message (?:d['’]origine|original|initial)|(?:E-?mail|Courriel|Mail) original"
    r"|Mensaje original|Correo original|Messaggio (?:originale|originario)|E-?mail originale"
    r"|Mensagem original|Ursprungligt (?:meddelande|mail)|Originalmeddelande"
    r"|Oprindelig (?:meddelelse|besked|e-?mail)|Opprinnelig (?:melding|e-post|e-?mail)"
    r"|Alkuperäinen (?:viesti|sähköposti)|Wiadomość oryginalna|Oryginalna wiadomość"
    r"|Původní (?:zpráva|e-?mail)|Pôvodná správa|(?:Orijinal|Özgün|Asıl) (?:mesaj|ileti|E-?posta)"
    r"|Исходное (?:сообщение|письмо)|Пересылаемое сообщение|Оригінальне повідомлення"
    r"|Eredeti (?:üzenet|levél)|Mesaj original|原始(?:邮件|郵件|信件|信息|訊息)"
    r"|(?:元の|オリジナル ?)(?:メッセージ|メール)|원본 (?:메시지|메일))"
)
ORIGINAL: Final = re.compile(
    rf"^\s*(?:- )?(?:[-_*=]{{2,}}|<-{{2,}})\s*{_ORIGINAL_WORDS}\s*[:：]?\s*(?:[-_*=]{{2,}}>?)\s*$",
    re.IGNORECASE,
)
ORIGINAL_BARE: Final = re.compile(rf"^\s*{_ORIGINAL_WORDS}\s*[:：]?\s*$", re.IGNORECASE)
"""Without a line around the words: only above a header."""
RULE: Final = re.compile(r"^\s*(?:_{10,}|-{20,}|\*{10,}|={20,})\s*$")
DECORATION: Final = re.compile(r"^\s*(?:[-_=*#~+—–]{2,}|\u1427)\s*$")
"""Signs without words, as programs and people draw below the last word."""
ABOVE_THIS_LINE: Final = re.compile(
    r"^\W{2,20}.{0,60}?(?:(?:reply|respond|respon[sd]e|answer|type|write|message) (?:above|below)"
    r"|above this line|boven deze (?:regel|lijn|streep)|(?:ober|über|ueber)(?:halb)? dieser"
    r" (?:Zeile|Linie)|(?:au-dessus|ci-dessus) de cette ligne|(?:encima|arriba) de esta línea"
    r"|(?:sopra|al di sopra di) (?:a )?questa (?:riga|linea)|acima desta linha"
    r"|(?:powyżej|nad) t(?:ej|ą) lini(?:i|ą)|(?:ovanför|över) (?:den här|denna) (?:raden|linjen)"
    r"|(?:over|ovenfor) denne (?:linje|linjen|linien|streken)|tämän (?:rivin|viivan) yläpuolelle"
    r"|nad (?:tento řádek|tuto čáru|touto čarou|tímto řádkem)|bu (?:satırın|çizginin) üst"
    r"|выше этой (?:строки|линии)|この(?:行|線)(?:の|より)上|(?:此|这)行(?:以|之)?上)",
    re.IGNORECASE,
)
_BROKEN_LINK: Final = re.compile(r"\s?[(<\[]?https?://\S+[)>\]]?[\s>.]*$")


def is_quoted(line: str) -> bool:
    """Whether the line is marked as somebody else's."""
    return _QUOTED.match(line) is not None


def initials_of(line: str) -> str | None:
    """The initials with which some programs mark the lines of the person they quote: `AB>`."""
    found = _INITIALS.match(line)
    return found[1] if found else None


def is_torn_off(line: str, above: str) -> bool:
    """Whether the line fell out of the quote above: a link, or the end of one, that was wrapped."""
    if _BROKEN_LINK.match(line[:2000]):
        return True
    word = line.strip()
    return (
        word.endswith((")", ">", "]"))
        and len(word.split(maxsplit=1)) == 1
        and above.rfind("(") > above.rfind(")")
    )
