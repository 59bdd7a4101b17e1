"""Feeds mails to django-helpdesk, one after the other, and prints what it took as JSON.

    python intake.py manifest.json          with PEER_HOME set; run by bench.peer

Each mail goes to the function that its own fetchers call, decoded as they decode it. Its fetcher of
a local folder is not used: it opens files as UTF-8 and ends at the first that is not.
"""

import json
import logging
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")


def main() -> int:
    """Make the database, take the mails, count."""
    import django  # noqa: PLC0415 - after the settings were named
    from django.core.management import call_command  # noqa: PLC0415 - needs django

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("loaddata", "emailtemplate.json", verbosity=0)
    logging.disable(logging.CRITICAL)
    manifest = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps(take(manifest)))  # noqa: T201 - its result
    return 0


def take(manifest: list[dict[str, Any]]) -> dict[str, Any]:
    """Time, CPU and memory of taking all mails, and what became of them."""
    from django.utils.encoding import force_str  # noqa: PLC0415 - needs django
    from helpdesk.email import extract_email_metadata  # noqa: PLC0415 - needs django
    from helpdesk.models import Queue  # noqa: PLC0415 - needs django

    queue = Queue.objects.create(
        title="Support", slug="support", email_address="support@postbus.localhost",
        allow_email_submission=True,
    )  # fmt: skip
    logger = logging.getLogger("peer")
    idle_bytes = _peak_bytes()
    failed: dict[str, int] = {}
    began, cpu = time.perf_counter(), time.process_time()
    for one in manifest:
        text = force_str(Path(one["file"]).read_bytes(), errors="replace")
        try:
            ticket = extract_email_metadata(message=text, queue=queue, logger=logger)
            why = None if ticket else "not taken"
        except Exception as error:  # noqa: BLE001 - a mail that it cannot take is a result
            why = type(error).__name__
        if why is not None:
            failed[why] = failed.get(why, 0) + 1
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "mails": len(manifest),
        "mails_per_second": len(manifest) / seconds,
        "cpu_ms_per_mail": cpu * 1000 / len(manifest),
        "idle_megabytes": idle_bytes / 1e6,
        "memory_megabytes": _peak_bytes() / 1e6,
        "failed": failed,
        **_kept(manifest),
    }


def _kept(manifest: list[dict[str, Any]]) -> dict[str, int]:
    from django.conf import settings  # noqa: PLC0415 - needs django
    from helpdesk.models import FollowUp, Ticket  # noqa: PLC0415 - needs django

    found = {
        one.message_id.strip("<>"): one
        for one in FollowUp.objects.select_related("ticket")
        if one.message_id
    }
    right = [one for one in manifest if one["message_id"] in found]
    return {
        "tickets": Ticket.objects.count(),
        "tickets_expected": sum(one["opens"] for one in manifest),
        "messages": FollowUp.objects.count(),
        "lost": len(manifest) - len(right),
        "subjects_garbled": sum(
            one["opens"] and one["subject"] not in found[one["message_id"]].ticket.title
            for one in right
        ),
        "texts_garbled": sum(
            _flat(one["opening"]) not in _flat(found[one["message_id"]].comment) for one in right
        ),
        "mails_out": _mails_out(Path(settings.EMAIL_FILE_PATH)),
    }


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def _mails_out(outbox: Path) -> int:
    """Mails of one moment may share a file; a line of dashes ends each."""
    files = outbox.iterdir() if outbox.exists() else ()
    return sum(file.read_bytes().count(b"\n" + b"-" * 79 + b"\n") for file in files)


def _peak_bytes() -> int:
    """Peak of resident memory; `ru_maxrss` on Linux begins with that of whoever started us."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.exit(main())
