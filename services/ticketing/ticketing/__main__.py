"""`python -m ticketing`"""

from postbus.runtime.serve import run
from ticketing.app import build
from ticketing.settings import TicketingSettings

if __name__ == "__main__":
    settings = TicketingSettings()
    run(build(settings), settings)
