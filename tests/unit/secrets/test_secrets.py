"""What is sealed opens only where it should."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from postbus.errors import CredentialsRejected, NotConfigured
from postbus.secrets import Opener, Sealer, generate_key_pair, write_key_files

NAME = "outbound-channels.it"
SECRET = SecretStr("pässword")


def test_a_sealed_secret_opens_with_the_private_key() -> None:
    pair = generate_key_pair()
    sealed = Sealer(pair.public_key).seal(NAME, SECRET)
    assert Opener([pair.private_key]).open(NAME, sealed) == SECRET


def test_the_same_secret_never_looks_the_same_twice() -> None:
    sealer = Sealer(generate_key_pair().public_key)
    assert sealer.seal(NAME, SECRET) != sealer.seal(NAME, SECRET)


def test_during_a_rotation_old_and_new_boxes_open() -> None:
    old, new = generate_key_pair(), generate_key_pair()
    opener = Opener([new.private_key, old.private_key])
    for pair in (old, new):
        assert opener.open(NAME, Sealer(pair.public_key).seal(NAME, SECRET)) == SECRET


def test_a_box_moved_to_another_name_does_not_open() -> None:
    """INVARIANT: else one who may write the bucket could lend a channel another's password."""
    pair = generate_key_pair()
    sealed = Sealer(pair.public_key).seal(NAME, SECRET)
    with pytest.raises(CredentialsRejected, match="another name"):
        Opener([pair.private_key]).open("outbound-channels.other", sealed)


@pytest.mark.parametrize("sealed", ["", "AAAA", "not base64 ☃", "####"])
def test_a_damaged_box_is_refused(sealed: str) -> None:
    with pytest.raises(CredentialsRejected):
        Opener([generate_key_pair().private_key]).open(NAME, sealed)


def test_without_the_right_key_nothing_opens() -> None:
    sealed = Sealer(generate_key_pair().public_key).seal(NAME, SECRET)
    with pytest.raises(CredentialsRejected, match="no key opens"):
        Opener([generate_key_pair().private_key]).open(NAME, sealed)


def test_neither_secrets_nor_keys_are_shown() -> None:
    pair = generate_key_pair()
    opener = Opener([pair.private_key])
    opened = opener.open(NAME, Sealer(pair.public_key).seal(NAME, SECRET))
    shown = f"{pair!r} {opener!r} {opened!r} {opened}"
    assert "pässword" not in shown
    assert repr(pair.private_key) not in shown


def test_key_files_are_read_back_and_the_private_one_is_private(tmp_path: Path) -> None:
    pair = generate_key_pair()
    public, private = tmp_path / "public", tmp_path / "private"
    write_key_files(pair, public_file=public, private_file=private)
    assert private.stat().st_mode & 0o777 == 0o600
    sealed = Sealer.from_file(public).seal(NAME, SECRET)
    assert Opener.from_file(private).open(NAME, sealed) == SECRET


def test_a_private_key_is_never_overwritten(tmp_path: Path) -> None:
    public, private = tmp_path / "public", tmp_path / "private"
    write_key_files(generate_key_pair(), public_file=public, private_file=private)
    before = private.read_text()
    with pytest.raises(FileExistsError):
        write_key_files(generate_key_pair(), public_file=public, private_file=private)
    assert private.read_text() == before


def test_a_private_file_may_hold_several_keys(tmp_path: Path) -> None:
    pairs = [generate_key_pair(), generate_key_pair()]
    for number, pair in enumerate(pairs):
        write_key_files(
            pair, public_file=tmp_path / "public", private_file=tmp_path / f"private{number}"
        )
    both = tmp_path / "private"
    both.write_text((tmp_path / "private1").read_text() + (tmp_path / "private0").read_text())
    opener = Opener.from_file(both)
    for pair in pairs:
        assert opener.open(NAME, Sealer(pair.public_key).seal(NAME, SECRET)) == SECRET


@pytest.mark.parametrize(
    "text", ["", "postbus-private:AAAA", "postbus-public:AAAA", "postbus-public:", "nonsense"]
)
def test_a_file_without_a_good_public_key_is_not_configured(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(NotConfigured):
        Sealer.from_file(tmp_path / "key")


def test_a_missing_file_is_not_configured(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured):
        Opener.from_file(tmp_path / "nowhere")
