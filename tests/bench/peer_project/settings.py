"""The smallest Django project that runs django-helpdesk; its data is in PEER_HOME.

Chosen in its favour where there was a choice: SQLite in the same process instead of a database over
the wire, with a write-ahead log, so that a durable commit costs one fsync; mail that goes out is
written to a file instead of sent by SMTP.
"""

import os
from pathlib import Path

HOME = Path(os.environ["PEER_HOME"])

SECRET_KEY = "for one run on one machine"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
SITE_ID = 1
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.humanize",
    "rest_framework",
    "helpdesk",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HOME / "peer.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"},
    }
}
MEDIA_ROOT = HOME / "media"
MEDIA_URL = "/media/"
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = HOME / "outbox"
LOGGING_CONFIG = None
# Otherwise one file with an unusual name costs a mail all of its files.
HELPDESK_VALIDATE_ATTACHMENT_TYPES = False
HELPDESK_TEAMS_MODE_ENABLED = False
