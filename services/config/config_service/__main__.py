"""`python -m config_service`."""

from config_service.app import build
from config_service.settings import Settings
from postbus.runtime.serve import run

if __name__ == "__main__":
    settings = Settings()
    run(build(settings), settings)
