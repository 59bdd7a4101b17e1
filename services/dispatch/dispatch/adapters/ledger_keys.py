"""How a send id stands in a key of the ledger."""

import hashlib


def key_part(send_id: str) -> str:
    """A send id as part of a KV key; ours are UUIDs, and whatever else comes is hashed."""
    if send_id.replace("-", "").isalnum() and send_id.isascii():
        return send_id
    return hashlib.sha256(send_id.encode()).hexdigest()
