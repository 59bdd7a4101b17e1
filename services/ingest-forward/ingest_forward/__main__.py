"""`python -m ingest_forward`.

What reads mails in processes of its own has those import this module too (`anyio.to_process`); they
need none of the service, which is half of their memory: hence all is below the condition.
"""

if __name__ == "__main__":
    from ingest_forward.app import build
    from ingest_forward.settings import IngestForwardSettings
    from postbus.runtime.serve import run

    settings = IngestForwardSettings()
    run(build(settings), settings)
