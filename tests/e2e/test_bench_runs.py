"""The benchmark runs and checks itself: a small run, for its counts and not for its times."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers.nats import die_with_parent
from servers.stack import REPOSITORY

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

MAILS = 60
TIMES = {"p50", "p99", "max"}


def test_a_small_run_loses_nothing_and_has_every_figure(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--mails", str(MAILS), "--without-peer", "--long", "150",
         "--boxes", "20", "--old-mails", "100",
         "--json", str(file)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=170, check=False,
        env={**os.environ, "PYTHONPATH": f"deploy{os.pathsep}tests"},
        preexec_fn=die_with_parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(file.read_text())
    assert found["wrong"] == []
    assert found["saturation"]["mails"] == MAILS
    assert found["full_store"]["mails_before"] == 150
    for phase in ("saturation", "paced", "full_store"):
        figures = found[phase]
        assert figures["mails_per_second"] > 0
        assert figures["event_ms"].keys() == figures["smtp_ms"].keys() == TIMES
        assert figures["receipts"]["sent"] > 0
        assert figures["cpu_ms_per_mail_services"] > 0
        assert {"ticketing", "dispatch", "loopguard", "ingest-forward", "config"} <= (
            figures["cpu_ms_per_mail"].keys()
        )
    assert found["replies"]["replies"] > 0
    for name in ("accepted_ms", "on_the_wire_ms", "sent_event_ms"):
        assert found["replies"][name].keys() == TIMES
    for name in ("idle_bytes", "idle_resident_bytes", "end_bytes"):
        assert sum(found["memory"][name].values()) > 0
    assert found["loopguard"]["p99_ms"] > 0
    assert found["mailboxes"]["event_ms"].keys() == TIMES
    assert found["mailboxes"]["old_mails"] == 100
    assert "20 idle mailboxes, of a core" in done.stdout
    assert "CPU per mail, our processes" in done.stdout
