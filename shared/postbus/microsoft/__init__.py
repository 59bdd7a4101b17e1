"""Microsoft 365: signing in there, speaking Graph, and staying within its limits."""

from postbus.microsoft.asking import proof_of
from postbus.microsoft.client import Graph, GraphMailbox, Part, PartAnswer
from postbus.microsoft.errors import GraphRefused, TooLarge
from postbus.microsoft.explaining import explain_graph, explain_sign_in
from postbus.microsoft.limits import MailboxLimits, Numbers
from postbus.microsoft.opening import Microsoft, open_microsoft
from postbus.microsoft.tokens import MicrosoftTokens, Resource

__all__ = [
    "Graph",
    "GraphMailbox",
    "GraphRefused",
    "MailboxLimits",
    "Microsoft",
    "MicrosoftTokens",
    "Numbers",
    "Part",
    "PartAnswer",
    "Resource",
    "TooLarge",
    "explain_graph",
    "explain_sign_in",
    "open_microsoft",
    "proof_of",
]
