"""`python -m ingest_imap`"""

from ingest_imap.app import build
from ingest_imap.settings import IngestImapSettings
from postbus.runtime.serve import run

if __name__ == "__main__":
    settings = IngestImapSettings()
    run(build(settings), settings)
