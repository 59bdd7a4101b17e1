"""`python -m dispatch`"""

from dispatch.app import build
from dispatch.settings import DispatchSettings
from postbus.runtime.serve import run

if __name__ == "__main__":
    settings = DispatchSettings()
    run(build(settings), settings)
