"""An outbound channel of Microsoft 365 on the stage of dispatch."""

from typing import Any

from pydantic import SecretStr

from dispatch_stage import Stage, support
from postbus.connecting import MicrosoftCredential
from postbus.contracts.mail import Attachment
from postbus.contracts.sending import SendRequested
from postbus.secrets import Sealer, generate_key_pair, write_key_files
from send_builders import send_requested
from servers.microsoft365 import Microsoft365

MAILBOX = "it@example.com"


async def graph_channel(
    stage: Stage,
    microsoft: Microsoft365,
    *,
    credential: MicrosoftCredential | None = None,
    mailbox: str = MAILBOX,
    **fields: Any,
) -> None:
    """Answers of `support` leave by that mailbox, opened by whoever's it is."""
    file = stage.folder / "sealing.private"
    pair = generate_key_pair()
    write_key_files(pair, public_file=stage.folder / "sealing.public", private_file=file)
    kept = credential or microsoft.sign_in(MAILBOX)
    sealed = Sealer(pair.public_key).seal(
        "outbound-channels.own", SecretStr(kept.model_dump_json())
    )
    await stage.keep_secret("own", sealed)
    auth = "delegated" if kept.kind == "microsoft-sign-in" else "app-only"
    graph = {**microsoft.access, "mailbox": mailbox, "auth": auth}
    own = {"id": "own", "name": "Own", "kind": "graph", "from_address": mailbox, "graph": graph}
    await stage.configure("outbound-channels", own | fields)
    await stage.configure("inbound-channels", support(reply_via="own"))
    stage.settings |= {
        "secrets_private_key_file": file,
        "tls_ca_file": microsoft.graph.ca_file,
    }


async def with_file(
    stage: Stage, name: str, data: bytes, sent: SendRequested | None = None
) -> SendRequested:
    """A request with one more file, whose bytes are in the blob store."""
    from postbus.blobs import open_store

    request = sent or send_requested()
    ref = await open_store(f"file://{stage.folder}/blobs").put(data)
    file = Attachment(
        name=name, content_type="application/pdf", size_bytes=len(data), sha256=ref.sha256
    )
    return request.model_copy(update={"attachments": (*request.attachments, file)})
