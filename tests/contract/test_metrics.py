"""Every metric carries our name, and the page for those who run Postbus explains it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SUFFIXES = {"Counter": "_total", "Gauge": "", "Histogram": ""}


def metrics() -> Iterator[str]:
    """Names as Prometheus shows them, from each place in the code that makes a metric."""
    for path in (*ROOT.glob("shared/postbus/**/*.py"), *ROOT.glob("services/*/*/**/*.py")):
        if "build" in path.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                suffix = SUFFIXES.get(node.func.id)
                if suffix is not None and node.args and isinstance(node.args[0], ast.Constant):
                    yield str(node.args[0].value).removesuffix("_total") + suffix


NAMES = sorted(set(metrics()))


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_begins_with_our_name_and_is_explained(name: str) -> None:
    assert name.startswith("postbus_")
    assert f"| `{name}` |" in PAGE


def test_the_page_explains_no_metric_that_is_gone() -> None:
    assert set(re.findall(r"\| `(postbus_\w+)` \|", PAGE)) == set(NAMES)


def test_every_service_that_counts_is_seen() -> None:
    assert {"postbus_mails_received_total", "postbus_sends_waiting"} <= set(NAMES)
