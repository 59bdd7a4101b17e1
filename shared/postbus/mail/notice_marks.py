"""How mail systems write that a mail did not arrive; `bounce_notice` reads by it."""

import re
from typing import Final

RETURNED: Final = re.compile(
    r"^[>\s|#*-]{0,60}(?:"
    r"received: (?:from|by) |return-path: ?<|dkim-signature: |arc-seal: |x-google-smtp-source: "
    r"|(?:the )?(?:headers? (?:and body )?of (?:the|your) )?"
    r"(?:original|unsent|undelivered|returned|rejected|failed|bounced|unzustellbare|sent)"
    r" (?:e-?)?(?:message|mail|nachricht)(?: text| headers?| as received)?"
    r"(?: (?:is|as) (?:as )?follow(?:s|ing)| follows?| below| headers?)?[\s:.=|*-]*$"
    r"|(?:the |your )?(?:original |e-?)?(?:message|mail)(?: text| headers?| body)* follows?\b"
    r"|(?:the )?(?:text|header|contents?|body) of (?:the|your) (?:original )?(?:message|mail)\b"
    r".{0,30}\bfollow"
    r"|.{0,30}\bcopy of (?:the|your) (?:original )?(?:message|mail)\b"
    r"|.{0,20}\bfirst \d+ (?:lines|bytes) of\b"
    r"|(?:message|mail) (?:headers|header|text|contents?)(?: follow)?[\s:.|-]*$"
    r"|(?:original|returned) (?:e-?)?(?:message|mail) follows?\b"
    r")",
    re.IGNORECASE | re.MULTILINE,
)
"""Where the notice ends and the mail that came back begins."""
ADDRESS: Final = re.compile(
    r"[^\s<>()\[\]{}\",;:|@\\]{1,128}@[^\s<>()\[\]{}\",;:|@\\/?=]{1,254}[\w\]]"
)
"""An address in running text."""
LIST_LINE: Final = re.compile(
    r"^[\s<>*\[\"'•·+-]*"
    r"(?:(?:rfc822|smtp|e-?mail|to|user|recipient|address|for)\s*[;:=][\s<\[\"']*)?"
    r"(?P<address>[^\s<>()\[\]{}\",;:|@\\]{1,128}@[^\s<>()\[\]{}\",;:|@\\/?=]{1,254}[\w\]])"
    r"[>\]\"']*.*$",
    re.IGNORECASE,
)
"""A line that begins with an address: what reports list is listed so."""
NAMED_LINE: Final = re.compile(
    r"^[^<>@]{1,80}[<(](?P<address>[^\s<>()\",;:@]+@[^\s<>()\",;:@]+)[>)]\s*$"
)
"""A line that is a name and an address."""
TRANSCRIPT: Final = re.compile(
    r"^[45]\d\d[ -](?:[45]\.\d{1,3}\.\d{1,3} )?<?(?P<address>[^\s<>@]+@[^\s<>@]+?)>?(?:\.\.\.|:) "
)
"""sendmail's own summary of its talk: `550 5.1.1 <anna@example.com>... User unknown`."""
X400: Final = re.compile(r"\bSMTP=(?P<address>[^\s;@]+@[^\s;@]+)", re.IGNORECASE)
"""An address in the form of X.400, as old Exchange writes it."""
ABOUT_DELIVERY: Final = re.compile(
    r"deliver|recipient|undeliver|unknown|fail|intended|address|mailbox|account|user|rcpt"
    r"|could not|couldn'?t|was not|did not|unable|no such|reach|reject|bounce|exist|send|sent to"
    r"|zugestellt|empfänger|zustell|destinat|remis|consegn|entreg|bezorg|afgelever|宛|送信|配信"
    r"|доставл|адрес|получател",
    re.IGNORECASE,
)
"""Words of a sentence that is about not arriving."""
LEADS_TO: Final = re.compile(
    r"(?:intended recipients?|addressed,? ?(?:to)?"
    r"|(?:deliver|send|sent|mail|message|reach)(?:ed|able)?"
    r"(?: (?:mail|message|it|your|the|was|not|e-?mail)){0,4}(?: to)?|recipients?(?: address)?"
    r"|(?:user|address|mailbox|account|recipient|person)(?: is| was)?(?: unknown| not found| full)?"
    r"|mailbox is full|unknown user|no such user|failed for)[\s:,]+[\"'<\[(]*$",
    re.IGNORECASE,
)
"""What stands right before the address that was not reached."""
FOLLOWS: Final = re.compile(
    r"[>\]\"')]*[ ,:-]*(?:does|did|was|is|could|can|has|may)(?:n[o']t| not| no|n'?t)\b"
    r"|[>\]\"')]*[ ,:-]*"
    r"(?:\(?unknown|not found|no such|because\b|over quota|is unavailable|failed)",
    re.IGNORECASE,
)
"""What stands right behind it."""
OF_OTHERS: Final = re.compile(
    r"contact|assist|\bhelp|support|questions?|inform|\bsender\b|\bfrom\b\s*[:=]?|reply[- ]?to"
    r"|originator|subject\s*:|message-?id|mail from|forward.{0,20}to <?postmaster|instead|https?://"
    r"|whitelist|\breport (?:this|it|to)\b|administrator|\bvia\b|return-path|sent by|helo|\bid\b"
    r"|absender|kontakt|ansprech",
    re.IGNORECASE,
)
"""Words before the address of somebody else: the sender, or whom to ask."""
SYSTEM: Final = re.compile(
    r"^(?:mailer[-_.]?daemon|postmaster|mail-?daemon|mdaemon|abuse|hostmaster)@", re.IGNORECASE
)
"""Mail systems, never meant."""
GENERATED_FROM: Final = re.compile(
    r"\(?(?:ultimately )?(?:generated|expanded|forwarded) from:?\s+<?([^\s<>()]+@[^\s<>()]+)>?\)?",
    re.IGNORECASE,
)
"""The address that the bounced one was made from, by an alias or a list."""
ENDS_BEFORE_OTHERS: Final = re.compile(
    r"\b(?:contact|from|reach|write to|mail to|e-?mail|by|expanded|generated)\s*$", re.IGNORECASE
)
"""What the line above ends with, if the address is somebody else's."""
