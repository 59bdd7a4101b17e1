import pytest

from postbus.mail.own_words import own_words

QUOTE = "> Have you tried turning it off?\n> Support\n"


@pytest.mark.parametrize(
    "attribution",
    [
        "On Mon, 2 Mar 2026 at 09:30, Support <support@example.org> wrote:",
        "On Mon, 2 Mar 2026 at 09:30, Support\n<support@example.org> wrote:",
        "On 2 Mar 2026, at 09:30, Support <support@example.org> wrote:",
        "Op ma 2 mrt 2026 om 09:30 schreef Support <support@example.org>:",
        "Op 2 mrt. 2026 om 09:30 heeft Support <support@example.org> het volgende geschreven:",
        "Am Mo., 2. März 2026 um 09:30 Uhr schrieb Support <support@example.org>:",
        "Support <support@example.org> schrieb am Mo., 2. März 2026, 09:30:",
        "Le lun. 2 mars 2026 à 09:30, Support <support@example.org> a écrit :",
        "El lun, 2 mar 2026 a las 9:30, Support (<support@example.org>) escribió:",
        "Il giorno lun 2 mar 2026 alle ore 09:30 Support <support@example.org> ha scritto:",
        "Em seg., 2 de mar. de 2026 às 09:30, Support <support@example.org> escreveu:",
        "Den mån 2 mars 2026 kl 09:30 skrev Support <support@example.org>:",
        "W dniu 02.03.2026 o 09:30, Support <support@example.org> pisze:",
        "2026-03-02 9:30 GMT+01:00 Support <support@example.org>:",
    ],
)
@pytest.mark.parametrize("is_marked", [True, False], ids=["marked", "unmarked"])
def test_the_mail_that_is_answered_is_cut(attribution: str, *, is_marked: bool) -> None:
    quote = QUOTE if is_marked else QUOTE.replace("> ", "")
    text = f"It works now.\n\nThanks, Anna\n\n{attribution}\n\n{quote}"
    assert own_words(text) == "It works now.\n\nThanks, Anna"


@pytest.mark.parametrize(
    "block",
    [
        "-----Original Message-----\nFrom: Support\nSubject: x\n\nold words",
        "-----Oorspronkelijk bericht-----\nVan: Support\n\nold words",
        "-----Ursprüngliche Nachricht-----\nVon: Support\n\nold words",
        "-----Message d'origine-----\nDe : Support\n\nold words",
        "-----Mensaje original-----\nDe: Support\n\nold words",
        "From: Support <s@example.org>\nSent: Monday, 2 March 2026\nTo: Anna\nSubject: x\n\nold",
        "Van: Support <s@example.org>\nVerzonden: maandag 2 maart\nAan: Anna\nOnderwerp: x\n\nold",
        "Von: Support <s@example.org>\nGesendet: Montag, 2. März 2026\nAn: Anna\nBetreff: x\n\nold",
        "De : Support <s@example.org>\nEnvoyé : lundi 2 mars 2026\nÀ : Anna\nObjet : x\n\nold",
        "De: Support <s@example.org>\nEnviado: lunes, 2 de marzo\nPara: Anna\nAsunto: x\n\nold",
        "_____________________________\nFrom: Support\nSent: Monday\nTo: Anna\nSubject: x\n\nold",
        "*From:* Support\n*Sent:* Monday\n*To:* Anna\n*Subject:* x\n\nold",
    ],
)
def test_a_block_of_outlook_is_cut(block: str) -> None:
    assert own_words(f"It works now.\n\n{block}\n") == "It works now."


@pytest.mark.parametrize(
    "text",
    [
        "Look.\n\n---------- Forwarded message ---------\nFrom: Bob <b@x>\nTo: Anna\n\nBob's",
        "See below\n\nBegin forwarded message:\n\nFrom: Bob <b@x>\nSubject: x\n\nBob's words",
        "Zie onder\n\n---------- Doorgestuurd bericht ---------\nVan: Bob\nDatum: ma\n\nBobs",
        "From: Bob <b@example.com>\nDate: Monday\nTo: Anna\nSubject: x\n\nBob's words",
    ],
)
def test_a_forwarded_mail_is_what_the_writer_says(text: str) -> None:
    assert own_words(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "He looked at it and wrote:\n\nthe printer is on fire",
        "On Monday it was fine.\nOn Tuesday I wrote: no.\nOn Wednesday: fire.",
        "From: the desk of Anna\n\nHello",
        "I have three questions:\n- one\n- two",
        "a -- b -- c\nd",
        "To: be or not to be\nFrom: here to there\nnothing",
    ],
)
def test_words_that_only_look_like_a_quote_stay(text: str) -> None:
    assert own_words(text) == text


def test_an_answer_below_the_quote_stands_alone() -> None:
    text = f"On 2 Mar 2026 Support <s@example.org> wrote:\n{QUOTE}\nYes, twice."
    assert own_words(text) == "Yes, twice."


def test_answers_among_the_questions_keep_the_questions() -> None:
    text = "On 2 Mar Support wrote:\n> Is it on?\nYes.\n\n> Is it hot?\nVery.\n\n> Support\n> NL\n"
    assert own_words(text) == "> Is it on?\nYes.\n\n> Is it hot?\nVery."


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAnna Jansen\nExample Ltd",
        "--\nAnna",
        "Sent from my iPhone",
        "Verzonden vanaf mijn Galaxy",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Get Outlook for iOS",
    ],
)
def test_a_signature_is_cut(signature: str) -> None:
    assert own_words(f"It works.\n\n{signature}\n") == "It works."
    assert (
        own_words(f"It works.\n\n{signature}\n\nOn 2 Mar 2026 A <a@b.c> wrote:\n> x") == "It works."
    )


def test_a_long_text_below_dashes_is_no_signature() -> None:
    text = "Part one\n--\n" + "\n".join(f"line {n}" for n in range(40))
    assert own_words(text) == text


@pytest.mark.parametrize(
    "text", ["> only\n> quote", "On 2 Mar 2026 A <a@b.c> wrote:\n> x", "-- \nx"]
)
def test_where_nothing_would_be_left_everything_stays(text: str) -> None:
    assert own_words(text) == text


def test_no_words_are_no_words() -> None:
    assert own_words("") == ""


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "line", ["On 2020 a wrote\n", "From: a\n", ">" * 2000 + "\n", "a:" * 190 + "\n"]
)
def test_hostile_texts_take_no_time(line: str) -> None:
    assert own_words("hi\n" + line * 15_000)
