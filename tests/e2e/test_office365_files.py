"""Large files out of a mailbox of Microsoft 365, from the API to the customer, byte for byte."""

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.customer import new_mail
from servers.microsoft365 import TENANT
from servers.office import Office, open_office

pytestmark = [pytest.mark.xdist_group("office365-files"), pytest.mark.timeout(300)]

MB = 1_000_000
LONG = os.environ.get("POSTBUS_LONG_TESTS") == "1"
GROWS_BYTES = {25 * MB: 65 * MB, 100 * MB: 95 * MB}
"""How much dispatch may grow by a file: the same few ranges, whatever its size, and fragments."""
SIZES = list(GROWS_BYTES) if LONG else [25 * MB]
SUPPORT = "support@example.com"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """100 MB need more than an API request may have by default."""
    more = {"MAX_REQUEST_BYTES": str(200 * MB)} if LONG else {}
    there = open_office(tmp_path_factory.mktemp("files"), **more)
    there.microsoft.add_mailbox(SUPPORT)
    there.until_state(there.connect(SUPPORT, tenant=TENANT)["id"], "connected")
    yield there
    assert there.microsoft.graph.throttled == 0
    assert there.stop() == 0


def _peak_bytes(pid: int) -> int:
    """Most resident memory since `_forget_peak` (Linux: proc(5), VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def _forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@pytest.mark.parametrize("size", SIZES)
def test_a_large_file_reaches_the_customer_unchanged(office: Office, size: int) -> None:
    """INVARIANT: no byte is missing, and the memory of dispatch stays bounded."""
    # What the admin of the mailbox may raise it to; 35 MB is where Exchange begins.
    office.microsoft.graph.max_message_bytes = max(35 * 1024 * 1024, size * 3 // 2)
    data = (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]
    customer = f"anna{size}@customer.example"
    office.write(new_mail(f"Plans {size}", sender=f"Anna <{customer}>", to=SUPPORT))
    number = office.stack.ticket_titled(f"Plans {size}")["number"]
    office.stack.until(lambda: office.receipts_to(customer), what="a receipt")
    dispatch = office.stack.endpoints["pids"]["dispatch"]
    _forget_peak(dispatch)
    before = _peak_bytes(dispatch)
    file = {
        "name": "plan ✓.pdf",
        "content_type": "application/pdf",
        "content_base64": base64.b64encode(data).decode(),
    }
    mail = office.answered(number, "The plan.", to=customer, attachments=[file])
    grown = _peak_bytes(dispatch) - before
    (found,) = mail.iter_attachments()
    assert found.get_filename() == "plan ✓.pdf"
    assert found.get_payload(decode=True) == data
    assert office.stack.endpoints["pids"]["dispatch"] == dispatch
    assert grown < GROWS_BYTES[size]
    assert len(office.sent_to(customer)) == 2
    assert office.microsoft.graph.messages(SUPPORT, "drafts") == []
