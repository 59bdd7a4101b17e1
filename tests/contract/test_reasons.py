"""Every word that a failure is told by stands in the guides, with what to do about it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDES = [
    REPOSITORY / "docs" / "guides" / name for name in ("gmail.md", "imap-smtp.md", "office365.md")
]
CODE = (
    "shared/postbus/connecting",
    "shared/postbus/mailboxes",
    "shared/postbus/microsoft",
    "services/config",
    "services/dispatch",
    "services/ingest-graph",
    "services/ingest-imap",
)
SAYS_WHY = {
    "MailHostUnavailable",
    "CredentialsRejected",
    "NotConfigured",
    "ChannelHealth",
    "TryStep",
}
ROW = re.compile(r"^\| `([a-z-]+)` \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def words_in(tree: ast.AST) -> Iterator[str]:
    """Words that errors are raised with, and those of the table of `sign_in.py`."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Dict):
            for key, value in zip(call.keys, call.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "reason":
                    yield from constants(value)
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        if call.func.id == "Explained" and call.args:
            yield from constants(call.args[0])
        if call.func.id in SAYS_WHY:
            for keyword in call.keywords:
                if keyword.arg == "reason":
                    yield from constants(keyword.value)


def constants(value: ast.expr) -> Iterator[str]:
    for node in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value


def reasons() -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in CODE:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for word in words_in(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(word, str(path.relative_to(REPOSITORY)))
    return found


def explained() -> set[str]:
    return {word for page in GUIDES for word in ROW.findall(page.read_text(encoding="utf-8"))}


def test_the_words_are_found() -> None:
    """Else the test below would hold for nothing."""
    some = {
        "wrong-password",
        "private-address",
        "certificate",
        "not-delegated",
        "scope-missing",
        "wrong-account",
    }
    assert some <= set(reasons())


@pytest.mark.parametrize("word", sorted(reasons()))
def test_a_reason_is_in_a_table_with_what_to_do(word: str) -> None:
    """INVARIANT: what people are shown when it does not work, they can look up."""
    assert word in explained(), f"{word}, of {reasons()[word]}"
