"""Keys are made once, are nobody else's to read, and are those the manifests ask for."""

import json
import shlex
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import nkeys
import pytest
import yaml
from k8s import make_keys
from k8s.declared import GIVEN_SECRETS, MADE_SECRETS, SECRETS
from keys import NATS_USERS, Keys
from pydantic import SecretStr

from postbus.bus.permissions import SETUP_USER
from postbus.secrets import Opener, Sealer
from postbus.tokens import Stamper, read_keys

KUBECTL = Path(sys.executable).parent / "kubectl"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys") / "cluster"
    make_keys.prepare(folder)
    return folder


def test_only_the_owner_can_read_them(folder):
    assert folder.stat().st_mode & 0o777 == 0o700
    public = {"sealing.public"}
    for file in folder.iterdir():
        assert file.name in public or file.stat().st_mode & 0o777 == 0o600, file.name


def test_what_is_there_stays_as_it_is(folder):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    make_keys.prepare(folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_two_installations_share_no_key(tmp_path, folder):
    Keys(tmp_path / "other", owner="other").prepare()
    for file in (tmp_path / "other").iterdir():
        assert file.read_bytes() != (folder / file.name).read_bytes(), file.name


def test_every_nats_user_is_on_the_servers_list_with_its_own_key(folder):
    users = (folder / make_keys.NATS_FILE).read_text()
    assert SETUP_USER in NATS_USERS
    for user in NATS_USERS:
        pair = nkeys.from_seed((folder / f"nats-{user}.seed").read_bytes().strip())
        assert users.count(pair.public_key.decode()) == 1
        assert (folder / f"nats-{user}.seed").read_text().strip() not in users


def test_the_config_service_gets_hashes_and_no_tokens(folder):
    tokens = json.loads((folder / "tokens.json").read_text())
    assert {one["scope"] for one in tokens} == {"admin", "agent"}
    for one in tokens:
        token = (folder / f"{one['scope']}.token").read_text().strip()
        assert one["sha256"] == sha256(token.encode()).hexdigest()
        assert token not in (folder / "tokens.json").read_text()


def test_the_services_can_read_what_was_made(folder):
    sealed = Sealer.from_file(folder / "sealing.public").seal("a", SecretStr("word"))
    opened = Opener.from_file(folder / "sealing.private").open("a", sealed)
    assert opened.get_secret_value() == "word"
    assert Stamper("postbus", read_keys(folder / "stamp.keys"))


def test_the_commands_make_the_secrets_that_the_manifests_read(tmp_path):
    """Run as printed, but not sent to a cluster."""
    folder = tmp_path / "my keys"
    make_keys.prepare(folder)
    for secret in GIVEN_SECRETS:
        for file in secret.files.values():
            (folder / file).write_text("given")
    made = {}
    for command in make_keys.commands(folder):
        words = shlex.split(command)
        assert words[0] == "kubectl"
        document = yaml.safe_load(
            subprocess.run(
                [KUBECTL, *words[1:], "--dry-run=client", "-o", "yaml"],
                check=True,
                capture_output=True,
                env={"HOME": str(folder)},
            ).stdout
        )
        metadata = document["metadata"]
        made[metadata["namespace"], metadata["name"]] = set(document["data"])
    assert made.pop(("nats", "postbus-users")) == {"nats-users.conf"}
    assert made == {("postbus", name): set(one.files) for name, one in SECRETS.items()}


def test_what_is_not_given_yet_is_a_comment(tmp_path):
    make_keys.prepare(tmp_path)
    lines = "\n".join(make_keys.commands(tmp_path)).splitlines()
    assert sum(line.startswith("kubectl") for line in lines) == 1 + len(MADE_SECRETS)
    assert "# mongodb: write mongodb.url into the folder, then:" in lines


def test_no_secret_is_printed(folder):
    printed = "\n".join(make_keys.commands(folder))
    for file in folder.iterdir():
        assert file.read_text().strip() not in printed


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_without_a_folder_nothing_is_made(arguments, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["make_keys", *arguments])
    assert make_keys.main() == 2
    assert list(tmp_path.iterdir()) == []
    assert "usage" in capsys.readouterr().err


def test_keys_are_not_strewn_among_other_files(monkeypatch, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear Anna")
    monkeypatch.setattr(sys, "argv", ["make_keys", str(tmp_path)])
    assert make_keys.main() == 1
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]
