"""Reading mails in processes of their own, so that a hostile one stalls no service."""

from postbus.reading.reader import MailReader, ReadingLimits

__all__ = ["MailReader", "ReadingLimits"]
