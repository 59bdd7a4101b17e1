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


OLD = "> Old words\n> Bob"


@pytest.mark.parametrize(
    "quote",
    [
        f"On Tue, Mar 3, 2026 at 10:07 PM Bob Smit\n\n<\nmailto:bob@example.com\n> wrote:\n\n{OLD}",
        f"On Tue, Mar 3, 2026 at 10:07 PM, Bob Smit <\nbob@example.com> wrote:\n\n{OLD}",
        f"Op di 3 mrt 2026 om 10:07 schreef Bob Smit <bob@example.com\n>:\n\n{OLD}",
        f"Le mar. 3 mars 2026 à 10:07, Bob Smit <bob@example.com> a\nécrit :\n\n{OLD}",
        f"Sent from Samsung MobileBob Smit <bob@example.com> wrote:\n\n{OLD}",
        f"-------- Bob Smit wrote --------\n\n{OLD}",
        "---- On Tue, 3 Mar 2026 10:07:12 +0100 Bob <bob@example.com> wrote ----\n\nold",
        "-----Bob Smit <bob@example.com> wrote: -----\nTo: Anna\nFrom: Bob\nSubject: x\nold",
        f"At 3/3/2026 10:07 PM, you wrote:\n{OLD}",
        f"Bob via the Forum wrote:\n\n{OLD}",
        f'03.03.2026, 10:07, "Bob" <bob@example.com>:\n\n{OLD}',
        f"вт, 3 мар. 2026 г. в 10:07, Bob <bob@example.com>:\n\n{OLD}",
        "Bob Smit schreef op 2026-03-03 10:07:\n\nold",
        "Bob <bob@example.com> hat am 03.03.2026 10:07 CET geschrieben:\n\nalt",
        "2026-03-03 10:07 GMT+01:00 Bob Smit\n\nold",
        "From: bob@example.com\nDate: Tue, 3 Mar 2026 10:07:12 +0100\n\nold",
        "Date: Tue, 3 Mar 2026 10:07:12 +0100\nTo: anna@example.com\n\nold",
        "____________________\nVan: Bob\nVerzonden: dinsdag\nold",
        "*From:* Bob [mailto:\n bob@example.com]\n*Sent:* Tuesday\n*To:* Anna\n*Subject:* x\n\nold",
        "From:\tBob Smit/AMS/Example\nTo:\tAnna\nDate:\t03-03-2026 10:07\nSubject:\tx\n\nold",
        "Original Message:\nFrom: Bob\nTo: Anna\nSubject: x\n\nold",
        "------------------ 原始邮件 ------------------\n发件人: Bob\n\nold",
        "## Antwoord alstublieft boven deze regel ##\n\nold",
        f"{OLD}\n(https://example.com/a) >\n{OLD}",
        "> Look (https://example.com/a\n_b=1)\n> Bob",
        "AB> old words\nAB> more of them",
    ],
)
def test_ways_of_quoting_seen_in_practice(quote: str) -> None:
    assert own_words(f"It works now: all of it.\n\n{quote}\n") == "It works now: all of it."


@pytest.mark.parametrize("line", ["Fine On", "Fine--- On", "Fine --- On"])
def test_a_quote_that_begins_in_the_writers_line_is_cut_there(line: str) -> None:
    text = f"Thanks\n{line} Tue, Mar 3, 2026 at 10:07 PM, bob@example.com wrote:\n> Old"
    assert own_words(text) == "Thanks\nFine"


@pytest.mark.parametrize(
    "text",
    [
        "We travel\nFrom: Delft\nTo: Bonn\nDate: 3 March\nand back",
        "On 3 March your colleague wrote:\n\nit will be paid back.\n\nWhere is it?",
        "As you wrote:\n> it works\nI do not agree.",
        "One page works.\n\nSent from my desk, which is where the printer is, on the left side.",
        "Please\nGet my phone repaired",
        "Hallo\n\nVerzonden met de post",
        "Hallo\n\nVon meinem Telefon geht es nicht",
        "Bob wrote:\n\nnothing that is marked",
        "Look at\n>>> >>> https://example.com <<<\nand say so.",
        "Part one\n\n--------------------\n\nPart two",
        "Anna\nAB> alone",
    ],
)
def test_words_that_look_like_a_programs_stay(text: str) -> None:
    assert own_words(text) == text


def test_a_closing_below_the_one_quote_needs_no_quote() -> None:
    text = f"It works.\n\nOn 2 Mar 2026 Bob wrote:\n{OLD}\n\nRegards, Anna"
    assert own_words(text) == "It works.\n\nRegards, Anna"


def test_a_quote_of_something_else_stays() -> None:
    text = f"This is what I see:\n\n> Error 5\n\nOn 2 Mar 2026 Bob wrote:\n{OLD}"
    assert own_words(text) == "This is what I see:\n\n> Error 5"


def test_the_armour_of_a_signed_text_is_cut() -> None:
    text = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nIt works.\n\n- -- \nAnna\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----"
    )
    assert own_words(text) == "It works."


def test_a_legal_notice_goes_with_the_signature_only() -> None:
    notice = "\n".join(f"Section {n} of the notice." for n in range(30))
    assert own_words(f"It works.\n\n-- \nAnna\n\n{notice}") == "It works."
    assert own_words(f"It works.\n\n{notice}") == f"It works.\n\n{notice}"


def test_the_notice_of_a_mailing_list_is_cut() -> None:
    text = f"It works.\n\n{OLD}\n\n{'_' * 40}\nusers mailing list\nhttps://example.com/users"
    assert own_words(text) == "It works."


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "lines",
    [
        "On 2020 a wrote\n",
        "On 2020 a wrote:\n",
        "From: a\n",
        ">" * 2000 + "\n",
        "a:" * 190 + "\n",
        "---- " * 70 + "\n",
        "-- \n",
        "_" * 30 + "\n",
        "x On 2 " * 60 + ":\n> a\n",
        "> wrote:\n",
        "<a@b.c>\n\n",
        "> a\n\nOn 2 Mar 2026 09:30 x wrote:\n\n",
        "-----BEGIN PGP SIGNATURE-----\n",
        "Sent from my iPhone\n",
    ],
)
def test_hostile_texts_take_no_time(lines: str) -> None:
    assert own_words("hi\n" + lines * (15_000 // lines.count("\n")))
