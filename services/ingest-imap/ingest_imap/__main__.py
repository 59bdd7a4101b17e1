"""`python -m ingest_imap`.

What reads mails in processes of its own has those import this module too (`anyio.to_process`); they
need none of the service, which is half of their memory: hence all is below the condition.
"""

if __name__ == "__main__":
    from ingest_imap.app import build
    from ingest_imap.settings import IngestImapSettings
    from postbus.runtime.serve import run

    settings = IngestImapSettings()
    run(build(settings), settings)
