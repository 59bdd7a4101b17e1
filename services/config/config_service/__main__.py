"""`python -m config_service`.

What reads mails in processes of its own has those import this module too (`anyio.to_process`); they
need none of the service, which is half of their memory: hence all is below the condition.
"""

if __name__ == "__main__":
    from config_service.app import build
    from config_service.settings import Settings
    from postbus.runtime.serve import run

    settings = Settings()
    run(build(settings), settings)
