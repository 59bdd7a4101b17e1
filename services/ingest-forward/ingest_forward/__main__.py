"""`python -m ingest_forward`"""

from ingest_forward.app import build
from ingest_forward.settings import IngestForwardSettings
from postbus.runtime.serve import run

if __name__ == "__main__":
    settings = IngestForwardSettings()
    run(build(settings), settings)
