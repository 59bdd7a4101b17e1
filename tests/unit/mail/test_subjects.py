import pytest

from postbus.mail.subjects import numbers_in, stripped_subject


@pytest.mark.parametrize(
    "prefix",
    [
        "Re:", "RE:", "re :", "Re[2]:", "RE(3):", "Re^4:", "Re :", "Re;", "AW:", "WG:", "Antw:",
        "Antwort:", "SV:", "VS:", "VB:", "Odp:", "PD:", "YNT:", "İLT:", "RV:", "RES:",
        "ENC:", "TR :", "RÉP :", "Doorst:", "R:", "I:", "Fw:", "FWD:", "(fwd)", "[Fwd]", "回复：",
        "转发：", "答复:", "転送：", "返信:", "회신:", "Отв:", "Fwd: AW: Re:", "Re: : Re:", "RE--",
    ],
)  # fmt: skip
def test_what_programs_put_before_a_subject_goes(prefix: str) -> None:
    assert stripped_subject(f"{prefix} Printer on fire") == "Printer on fire"


@pytest.mark.parametrize(
    ("subject", "stripped"),
    [
        ("", ""),
        ("Re:", ""),
        ("Fwd", ""),
        ("Re: Fwd", ""),
        ("[Fwd: Printer]", "Printer"),
        ("Re: [Fwd: [Fwd: FW: Printer]]", "Printer"),
        ("Printer (fwd)", "Printer"),
        ("Re: [users] Printer", "[users] Printer"),
        ("[users] Re: Printer", "[users] Printer"),
        ("Re: Printer [#1024]", "Printer"),
        ("[#1024] AW: Printer", "Printer"),
        ("  Re:   two \r\n  lines ", "two lines"),
    ],
)
def test_brackets_tags_and_our_number_are_told_apart(subject: str, stripped: str) -> None:
    assert stripped_subject(subject) == stripped


@pytest.mark.parametrize(
    "subject",
    [
        "Reply: yes", "Reference: 12", "r: a small letter", "i: too", "Tree: planted", "Resa: 12",
        "[users] Printer", "Ticket [Printer]", "Printer: Re-order", "pd: a word", "12:30 meeting",
    ],
)  # fmt: skip
def test_what_people_write_stays(subject: str) -> None:
    assert stripped_subject(subject) == subject


def test_our_numbers_are_read_in_their_order() -> None:
    assert numbers_in("Re: [#12] and [#7] and [#12], not #5 and not [Ticket#9]") == (12, 7)
    assert numbers_in("no number") == ()


def test_stripping_again_changes_nothing() -> None:
    for subject in ("Re: [x] Fwd: Re: a", "[[Fwd: x]]", "Re" * 500, "[" * 500 + "]" * 500):
        once = stripped_subject(subject)
        assert stripped_subject(once) == once
