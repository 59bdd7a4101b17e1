"""The settings tables in `docs/operations.md`, from the settings classes."""

import re

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from config_service.settings import Settings as ConfigSettings
from dispatch.settings import DispatchSettings
from ingest_forward.settings import IngestForwardSettings
from ingest_graph.settings import IngestGraphSettings
from ingest_imap.settings import IngestImapSettings
from loopguard.settings import LoopguardSettings
from pages.schema_tables import cell, rows_of
from postbus.runtime.settings import ServiceSettings
from postbus_cli.settings import CliSettings
from ticketing.settings import TicketingSettings

_COMMON = "every service"
_COMMAND_LINE = "the command line"
_CLASSES: dict[str, type[BaseSettings]] = {
    _COMMON: ServiceSettings,
    "config": ConfigSettings,
    "dispatch": DispatchSettings,
    "ingest-forward": IngestForwardSettings,
    "ingest-graph": IngestGraphSettings,
    "ingest-imap": IngestImapSettings,
    "loopguard": LoopguardSettings,
    "ticketing": TicketingSettings,
    _COMMAND_LINE: CliSettings,
}
_BETWEEN = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def filled_in(page: str) -> str:
    """The page with its tables as the code has them; ValueError when the marks are missing."""
    if not _BETWEEN.search(page):
        raise ValueError("the page has no marks for the settings tables")
    tables = "\n".join(_section(name) for name in _CLASSES)
    return _BETWEEN.sub(lambda marks: f"{marks.group(1)}\n{tables}\n{marks.group(2)}", page)


def _section(name: str) -> str:
    own = _own_fields(name)
    heading = f"### Settings of {name}\n"
    if not own:
        return f"{heading}\nNone beyond those of every service.\n"
    rows = [
        (f"`{field.upper()}`", _default(info), cell(info.description or ""))
        for field, info in own.items()
    ]
    return f"{heading}\n{rows_of(('variable', 'default', 'meaning'), rows)}\n"


def _own_fields(name: str) -> dict[str, FieldInfo]:
    fields = dict(_CLASSES[name].model_fields)
    if name in (_COMMON, _COMMAND_LINE):
        return fields
    return {k: v for k, v in fields.items() if k not in ServiceSettings.model_fields}


def _default(info: FieldInfo) -> str:
    if info.default_factory is not None:
        return "name of the host"
    default = info.default
    if default is None:
        return "none"
    if isinstance(default, SecretStr):  # of the local stack, and no secret
        default = default.get_secret_value()
    if isinstance(default, tuple):
        default = list(default)
    return f"`{default}`"
