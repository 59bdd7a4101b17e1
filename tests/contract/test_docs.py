"""The documents say what is so: generated pages, schemas, standards, links, paths."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from postbus.bus.topology import TOPOLOGY
from postbus.contracts.base import JsonObject
from postbus.contracts.catalogue import FACTS, Fact

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
SAMPLES = Path(__file__).parent / "samples"


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, new ones included, without what git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, text=True)
    found = [REPOSITORY / line for line in listed.stdout.splitlines()]
    return sorted({path for path in found if path.is_file()})


PAGES = tracked("*.md")
CODE = [path for path in tracked("*.py") if "tests" not in path.relative_to(REPOSITORY).parts]


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def test_generated_pages_are_fresh() -> None:
    """INVARIANT: without it the event table, the schemas and the settings drift from the code."""
    checked = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


# Events.


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.type)
def test_yesterdays_event_is_still_read_whole(fact: Fact) -> None:
    """INVARIANT: fields are only added; without it a rename would silently drop what was told.

    Models ignore fields that they do not know, so reading is not enough: what was read must give
    back every value of the sample.
    """
    text = (SAMPLES / f"{fact.type}.json").read_text(encoding="utf-8")
    event = fact.model.model_validate_json(text)
    kept = json.loads(event.model_dump_json(by_alias=True))
    assert lost_from(json.loads(text), kept) == []


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.type)
def test_the_published_schema_takes_the_sample(fact: Fact) -> None:
    schema = json.loads((DOCS / "events" / f"{fact.type}.json").read_text(encoding="utf-8"))
    sample = json.loads((SAMPLES / f"{fact.type}.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    assert [error.message for error in validator.iter_errors(sample)] == []
    assert list(validator.iter_errors({**sample, "type": "postbus.other"})) != []


def test_every_sample_is_of_an_event_that_exists() -> None:
    """A type that was told once stays in the catalogue."""
    assert {path.stem for path in SAMPLES.glob("*.json")} == {fact.type for fact in FACTS}


def lost_from(told: Any, kept: Any, at: str = "$") -> list[str]:
    """Places whose value is not what it was; times may be written in another way."""
    if isinstance(told, dict) and isinstance(kept, dict):
        inside = [lost_from(told[key], kept.get(key), f"{at}.{key}") for key in told]
        return [place for places in inside for place in places]
    if isinstance(told, list) and isinstance(kept, list) and len(told) == len(kept):
        pairs = enumerate(zip(told, kept, strict=True))
        inside = [lost_from(one, other, f"{at}[{i}]") for i, (one, other) in pairs]
        return [place for places in inside for place in places]
    return [] if told == kept else [f"{at}: {told!r} became {kept!r}"]


def test_what_is_said_to_be_told_by_nobody_is_told_by_nobody() -> None:
    page = (DOCS / "events.md").read_text(encoding="utf-8")
    marked = re.findall(r"\[`([^`]+?)\.<.*no service tells this yet", page)
    sources = [path.read_text(encoding="utf-8") for path in CODE if "services" in path.parts]
    assert [one for one in marked for text in sources if f'"{one}' in text] == []


# AsyncAPI 3.0, by its own rules.


@pytest.fixture(scope="module")
def asyncapi() -> JsonObject:
    found: JsonObject = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    return found


def test_the_asyncapi_document_has_what_the_format_demands(asyncapi: JsonObject) -> None:
    """The required members of AsyncAPI 3.0.0, and no others but extensions."""
    root = {"asyncapi", "info", "defaultContentType", "servers", "channels", "operations"}
    assert asyncapi.keys() == root | {"components"}
    assert asyncapi["asyncapi"] == "3.0.0"
    assert asyncapi["info"].keys() >= {"title", "version"}
    assert all(one.keys() >= {"host", "protocol"} for one in asyncapi["servers"].values())
    assert asyncapi["components"].keys() <= {"messages", "schemas"}
    members = {"address", "description", "parameters", "messages", "x-stream"}
    assert all(one.keys() <= members for one in asyncapi["channels"].values())
    members = {"action", "channel", "messages", "reply", "tags", "x-durable"}
    assert all(one.keys() <= members for one in asyncapi["operations"].values())
    names = [*asyncapi["channels"], *asyncapi["operations"], *asyncapi["components"]["messages"]]
    assert [name for name in names if not re.fullmatch(r"[a-zA-Z0-9.\-_]+", name)] == []


def test_every_channel_declares_the_parameters_of_its_address(asyncapi: JsonObject) -> None:
    for channel in asyncapi["channels"].values():
        in_address = set(re.findall(r"\{([^}]+)\}", channel["address"] or ""))
        assert in_address == set(channel.get("parameters", {}))


def test_every_operation_acts_on_messages_of_its_own_channel(asyncapi: JsonObject) -> None:
    for name, operation in asyncapi["operations"].items():
        assert operation["action"] in {"send", "receive"}
        for part in (operation, operation.get("reply", operation)):
            channel = part["channel"]["$ref"]
            assert all(one["$ref"].startswith(f"{channel}/messages/") for one in part["messages"])
        service = name.partition(".")[0]
        assert service in TOPOLOGY.users
        assert operation["tags"] == [{"name": service}]


def test_every_reference_of_the_asyncapi_document_leads_somewhere(asyncapi: JsonObject) -> None:
    for reference in references_in(asyncapi):
        path, _, pointer = reference.partition("#")
        if path:
            assert (DOCS / path).is_file(), reference
            continue
        target: Any = asyncapi
        for part in pointer.strip("/").split("/"):
            assert part in target, reference
            target = target[part]


def test_the_asyncapi_document_knows_every_event_stream_and_consumer(asyncapi: JsonObject) -> None:
    addresses = {re.sub(r"\{.*", "", one["address"] or "") for one in asyncapi["channels"].values()}
    assert addresses >= {f"{fact.type}." for fact in FACTS}
    assert addresses >= {one.subject for one in TOPOLOGY.requests}
    streams = {one.get("x-stream") for one in asyncapi["channels"].values()} - {None}
    assert streams == {stream.name for stream in TOPOLOGY.streams}
    durables = {one.get("x-durable") for one in asyncapi["operations"].values()} - {None}
    assert durables == {durable.name for durable in TOPOLOGY.durables}


def references_in(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references_in(value)]
    if isinstance(node, list):
        return [found for value in node for found in references_in(value)]
    return []


# Standards.

STANDARDS = DOCS / "standards.md"
RFC = re.compile(r"RFC (\d+)")
ROW = re.compile(
    r"^\| (?P<number>\d+) \| [^|]+ \| (?:yes|partial) \| (?P<modules>[^|]+) \|", re.MULTILINE
)


def standards() -> dict[str, list[str]]:
    """RFC number → the modules that the table names."""
    rows = ROW.finditer(STANDARDS.read_text(encoding="utf-8"))
    return {row["number"]: re.findall(r"`([^`]+)`", row["modules"]) for row in rows}


def test_every_rfc_that_code_cites_is_in_the_table() -> None:
    cited = {
        number: named(path)
        for path in CODE
        for number in RFC.findall(path.read_text(encoding="utf-8"))
    }
    assert cited
    missing = {
        f"RFC {number}": where for number, where in cited.items() if number not in standards()
    }
    assert missing == {}


def test_every_module_that_the_table_names_cites_the_rfc() -> None:
    table = standards()
    assert table
    wrong = [
        f"{module} does not cite RFC {number}"
        for number, modules in table.items()
        for module in modules
        if not (REPOSITORY / module).is_file()
        or number not in RFC.findall((REPOSITORY / module).read_text(encoding="utf-8"))
    ]
    assert wrong == []
    assert [number for number, modules in table.items() if not modules] == []


# Pages.

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|work|tmp|Users|usr/local|mnt|opt/src)/\S")
MODULE = re.compile(r"`((?:shared|services|deploy|tests|docs)/[\w./<>-]*\w\.(?:py|md|json|yaml))`")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(without_code(page.read_text(encoding="utf-8")))
    relative = [link for link in links if not re.match(r"[a-z]+:|#", link)]
    # The template's links are relative to the page that is made of it.
    folder = DOCS if page.name.endswith(".template.md") else page.parent
    missing = [link for link in relative if not (folder / link.partition("#")[0]).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    links = LINK.findall(without_code(page.read_text(encoding="utf-8")))
    wrong = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if re.match(r"[a-z]+:", link) or not anchor or target.suffix != ".md":
            continue
        if anchor not in anchors(target.read_text(encoding="utf-8")):
            wrong.append(link)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_holds_a_path_of_some_machine(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if MACHINE_PATH.search(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """A page that speaks of `shared/postbus/bus/bus.py` must not outlive it."""
    named_files = MODULE.findall(page.read_text(encoding="utf-8"))
    missing = [file for file in named_files if "<" not in file and not (REPOSITORY / file).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    tests = re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8"))
    there = {name for path in tracked("tests/*.py") for name in functions_of(path)}
    assert [name for name in tests if name not in there] == []


def functions_of(path: Path) -> list[str]:
    return re.findall(
        r"^\s*(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
    )


def without_code(text: str) -> str:
    """The page without code blocks and code spans, which may hold what looks like a link."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<!\[)`[^`\n]*`(?!\])", "", text)


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", without_code_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


def without_code_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


RECORDS = sorted((DOCS / "adr").glob("[0-9]*.md"))
PARTS = ("## Decision", "## Why", "## Turned down", "## Reopen when")


@pytest.mark.parametrize("record", RECORDS, ids=named)
def test_a_decision_fits_on_a_page_and_says_when_to_think_again(record: Path) -> None:
    lines = record.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert lines[0].startswith("# ")
    assert [line for line in lines if line in PARTS] == list(PARTS)
