"""`python -m ingest_graph`"""

from ingest_graph.app import build
from ingest_graph.settings import IngestGraphSettings
from postbus.runtime.serve import run

if __name__ == "__main__":
    settings = IngestGraphSettings()
    run(build(settings), settings)
