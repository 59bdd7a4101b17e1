"""What a receipt says, in the language of the mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from postbus.appearance.look import Look
from postbus.appearance.names import RECEIPT, About, values_of
from postbus.appearance.templates import TemplateFailed, fill

_HELLO_IF: Final = "{% if customer.name %} {{ customer.name }}{% endif %}"


def _text(hello: str, thanks: str, soon: str, more: str) -> str:
    words = f"{hello},\n\n{thanks}\n{soon}\n{more}"
    return words.replace("#N", "#{{ ticket.number }}")


_TEXTS: Final[Mapping[str, str]] = MappingProxyType({
    "en": _text(
        f"Hello{_HELLO_IF}",
        "Thank you for your message. We received it, and it is ticket #N now.",
        "Somebody will answer you as soon as possible.",
        "To add something, just reply to this mail.",
    ),
    "nl": _text(
        f"Hallo{_HELLO_IF}",
        "Bedankt voor uw bericht. We hebben het ontvangen; uw ticketnummer is #N.",
        "U krijgt zo snel mogelijk antwoord.",
        "Wilt u iets toevoegen? Beantwoord dan gewoon deze mail.",
    ),
    "de": _text(
        f"Hallo{_HELLO_IF}",
        "vielen Dank für Ihre Nachricht. Sie ist bei uns eingegangen und hat die Ticketnummer #N.",
        "Wir antworten Ihnen so bald wie möglich.",
        "Möchten Sie etwas ergänzen? Dann antworten Sie einfach auf diese E-Mail.",
    ),
    "fr": _text(
        f"Bonjour{_HELLO_IF}",
        "Merci pour votre message. Nous l'avons bien reçu ; il porte le numéro de ticket #N.",
        "Nous vous répondrons dès que possible.",
        "Pour ajouter une précision, répondez simplement à cet e-mail.",
    ),
    "es": _text(
        f"Hola{_HELLO_IF}",
        "Gracias por su mensaje. Lo hemos recibido y su número de ticket es #N.",
        "Le responderemos lo antes posible.",
        "Si desea añadir algo, solo tiene que responder a este correo.",
    ),
    "it": _text(
        f"Salve{_HELLO_IF}",
        "Grazie per il suo messaggio. Lo abbiamo ricevuto: il numero del ticket è #N.",
        "Le risponderemo il prima possibile.",
        "Per aggiungere qualcosa, basta rispondere a questa e-mail.",
    ),
    "pt": _text(
        f"Olá{_HELLO_IF}",
        "Obrigado pela sua mensagem. Já a recebemos e o número do seu ticket é #N.",
        "Responderemos assim que possível.",
        "Para acrescentar alguma informação, basta responder a este e-mail.",
    ),
    "pl": _text(
        f"Dzień dobry{_HELLO_IF}",
        "dziękujemy za wiadomość. Otrzymaliśmy ją i nadaliśmy jej numer zgłoszenia #N.",
        "Odpowiemy tak szybko, jak to możliwe.",
        "Aby coś dodać, wystarczy odpowiedzieć na tego e-maila.",
    ),
    "da": _text(
        f"Hej{_HELLO_IF}",
        "Tak for din besked. Vi har modtaget den, og den har fået sagsnummer #N.",
        "Du får svar så hurtigt som muligt.",
        "Vil du tilføje noget, kan du bare svare på denne mail.",
    ),
    "sv": _text(
        f"Hej{_HELLO_IF}",
        "Tack för ditt meddelande. Vi har tagit emot det, och det har fått ärendenummer #N.",
        "Du får svar så snart som möjligt.",
        "Vill du lägga till något är det bara att svara på det här mejlet.",
    ),
    "nb": _text(
        f"Hei{_HELLO_IF}",
        "Takk for meldingen din. Vi har mottatt den, og den har fått saksnummer #N.",
        "Du får svar så snart som mulig.",
        "Vil du legge til noe, kan du bare svare på denne e-posten.",
    ),
    "fi": _text(
        f"Hei{_HELLO_IF}",
        "Kiitos viestistäsi. Olemme vastaanottaneet sen, ja sen numero on #N.",
        "Vastaamme sinulle mahdollisimman pian.",
        "Jos haluat lisätä jotain, vastaa vain tähän viestiin.",
    ),
    "cs": _text(
        f"Dobrý den{_HELLO_IF}",
        "děkujeme za Vaši zprávu. Přijali jsme ji pod číslem požadavku #N.",
        "Odpovíme Vám co nejdříve.",
        "Chcete-li něco doplnit, stačí odpovědět na tento e-mail.",
    ),
})  # fmt: skip


@dataclass(frozen=True)
class ReceiptWords:
    """A receipt; without `subject` it has that of the ticket.

    `problem` is why it has the words of Postbus and not those that were configured.
    """

    language: str
    subject: str | None
    text: str
    problem: str | None = None


def receipt_of(about: About, look: Look, language: str | None) -> ReceiptWords:
    """The receipt in that language where there is a text in it, else in that of the queue.

    It never fails, and repeats nothing of the mail unless the queue's own texts do.
    """
    own = look.appearance.receipts
    chosen = language if language in own or language in _TEXTS else look.appearance.language
    chosen = chosen or look.appearance.language
    values = values_of(about, look, chosen)
    texts = own.get(chosen)
    if texts is not None:
        try:
            subject = fill(texts.subject, values, RECEIPT) if texts.subject is not None else None
            return ReceiptWords(chosen, subject or None, fill(texts.text, values, RECEIPT))
        except TemplateFailed as failure:
            shipped = _shipped(about, look, chosen)
            return ReceiptWords(shipped.language, None, shipped.text, str(failure))
    return _shipped(about, look, chosen)


def _shipped(about: About, look: Look, language: str) -> ReceiptWords:
    language = language if language in _TEXTS else "en"
    return ReceiptWords(
        language, None, fill(_TEXTS[language], values_of(about, look, language), RECEIPT)
    )
