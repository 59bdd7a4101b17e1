"""Links by which the owner of a mailbox signs in anew, without a token of the API.

Such a link starts a sign-in with Microsoft for that very mailbox, and nothing else: whoever has it
still needs the mailbox's account.
"""

import hmac
from hashlib import sha256


def key_for(channel_id: str, secret: bytes) -> str:
    """What the link of a channel has to show (RFC 2104)."""
    return hmac.new(secret, f"sign-in-again {channel_id}".encode(), sha256).hexdigest()


def is_key_for(channel_id: str, shown: str, secret: bytes) -> bool:
    """Whether that is it; compared in constant time."""
    return hmac.compare_digest(key_for(channel_id, secret).encode(), shown.encode())
