"""What mail of a queue looks like: its templates, its fixed words in many languages, its frame."""

from postbus.appearance.checking import Wrong, wrongs_of
from postbus.appearance.dressing import Dressed, Said, dressed
from postbus.appearance.look import LOGO_ID, Look, look_of
from postbus.appearance.receipts import ReceiptWords, receipt_of

__all__ = [
    "LOGO_ID",
    "Dressed",
    "Look",
    "ReceiptWords",
    "Said",
    "Wrong",
    "dressed",
    "look_of",
    "receipt_of",
    "wrongs_of",
]
