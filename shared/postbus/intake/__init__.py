"""From a mail that was read to the fact about it: one way for every door, and for reading again."""

from postbus.intake.keeping import Blobs, keep
from postbus.intake.received import Taken, mail_received
from postbus.intake.stamps import find_stamp
from postbus.intake.taking import As, Intake, TakenIn

__all__ = ["As", "Blobs", "Intake", "Taken", "TakenIn", "find_stamp", "keep", "mail_received"]
