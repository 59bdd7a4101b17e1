"""The environment of each pod against the code that reads it.

A variable that no code reads is not refused by anybody: the service starts with its default, and a
default is made for a developer's machine.
"""

import ast
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast, get_args

from obstore.exceptions import BaseError
from obstore.store import S3Store
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

import postbus.bus.apply
from k8s.declared import BLOB_USERS, SETTINGS
from k8s.manifests import Manifests, Variable, Workload, volumes_at

if TYPE_CHECKING:
    from obstore.store import S3Config

_LOCAL = ("127.0.0.1", "localhost")
_CALLS = {"FORWARD_DOOR"}
"""Settings that name a Service of ours and its port."""
_CONNECTS = {"NATS_URL", "NATS_SEED_FILE"}
"""Without the second, a pod connects to NATS as nobody."""
_SAME_EVERYWHERE = ("TENANT", "NATS_URL", "BLOB_URL", "HTTP_PORT")


def names_are_read(manifests: Manifests) -> list[str]:
    """Variables that the code of the workload does not read."""
    problems = []
    for workload in manifests.workloads:
        known = _known_names(workload.name)
        found = manifests.settings(workload)
        if workload.name in BLOB_USERS:
            of_store = {name: one for name, one in found.items() if name.startswith("AWS_")}
            known |= set(of_store)
            problems += [f"{workload.name}: {one}" for one in _blob_store_says(of_store)]
        problems += [
            f"{workload.name}: nothing reads {name}" for name in found if name not in known
        ]
    return problems


def values_are_accepted(manifests: Manifests) -> list[str]:
    """Values that the service would refuse to start with."""
    problems = []
    for workload in manifests.workloads:
        reads = SETTINGS.get(workload.name)
        if reads is None:
            continue
        values = {
            name: _stand_in(variable) for name, variable in manifests.settings(workload).items()
        }
        try:
            with _environment(values):
                reads()
        except ValidationError as error:
            for one in error.errors():
                where = ".".join(str(step) for step in one["loc"]).upper()
                problems.append(f"{workload.name}: {where}: {one['msg']}")
    return problems


def defaults_are_replaced(manifests: Manifests) -> list[str]:
    """Settings that are left at a value which is good for a developer's machine only."""
    problems = []
    for workload in manifests.workloads:
        settings = manifests.settings(workload)
        needed = {n for n, field in _fields(workload.name).items() if _is_local(field.default)}
        problems += [
            f"{workload.name}: {name} is left at its default"
            for name in sorted((needed | _CONNECTS) - set(settings))
        ]
        blob_url = settings.get("BLOB_URL", Variable("BLOB_URL")).value or ""
        if workload.name in BLOB_USERS and not blob_url.startswith("s3://"):
            problems.append(f"{workload.name}: BLOB_URL is no store that all pods share")
    return problems


def values_agree(manifests: Manifests) -> list[str]:
    """Values that have to be the same in every service, and names of our own Services."""
    problems = []
    services = {
        f"{one['metadata']['name']}:{port['port']}"
        for one in manifests.of_kind("Service")
        for port in one["spec"]["ports"]
    }
    of_all = [(one.name, manifests.settings(one)) for one in manifests.workloads]
    for name in _SAME_EVERYWHERE:
        values = {settings[name].value for _, settings in of_all if name in settings}
        if len(values) > 1:
            problems.append(f"{name} differs: {', '.join(sorted(map(str, values)))}")
    for workload, settings in of_all:
        problems += [
            f"{workload}: {name} is no Service of ours: {settings[name].value}"
            for name in sorted(_CALLS & set(settings))
            if settings[name].value not in services
        ]
    return problems


def files_are_mounted(manifests: Manifests) -> list[str]:
    """Settings that name a file which no volume of the pod holds."""
    problems = []
    for workload in manifests.workloads:
        mounted = set(_files(workload))
        for name, variable in manifests.settings(workload).items():
            field = _fields(workload.name).get(name)
            is_file = name == "NATS_SEED_FILE" or (field is not None and _is_path(field))
            if is_file and variable.value not in mounted:
                problems.append(f"{workload.name}: {name} is {variable.value}, and not mounted")
    return problems


def _known_names(workload: str) -> set[str]:
    return set(_fields(workload)) or _names_in(Path(postbus.bus.apply.__file__).read_text())


def _fields(workload: str) -> Mapping[str, FieldInfo]:
    """The settings of a service by the names of their variables."""
    reads = SETTINGS.get(workload)
    return {name.upper(): field for name, field in reads.model_fields.items()} if reads else {}


def _names_in(source: str) -> set[str]:
    """The variables that a module asks for with `os.environ.get`."""
    return {
        str(node.args[0].value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "os.environ.get"
        and isinstance(node.args[0], ast.Constant)
    }


def _blob_store_says(variables: Mapping[str, Variable]) -> list[str]:
    """What the S3 client says of the settings that it reads itself."""
    config = {name.lower(): _stand_in(one) for name, one in variables.items()}
    try:
        S3Store("bucket", config=cast("S3Config", config))
    except BaseError as error:
        return [f"blob store: {str(error).splitlines()[0]}"]
    return []


def _stand_in(variable: Variable) -> str:
    return variable.value if variable.value is not None else "a-value-of-the-cluster"


def _is_local(default: object) -> bool:
    text = default.get_secret_value() if isinstance(default, SecretStr) else default
    return isinstance(text, str) and any(word in text for word in _LOCAL)


def _is_path(field: FieldInfo) -> bool:
    return field.annotation is Path or Path in get_args(field.annotation)


def _files(workload: Workload) -> Iterator[str]:
    for path, volume in volumes_at(workload):
        sources = [volume, *volume.get("projected", {}).get("sources", [])]
        for source in sources:
            held = source.get("secret") or source.get("configMap") or {}
            for item in held.get("items", []):
                yield str(PurePosixPath(path) / item["path"])


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """These variables and no others, for as long as settings are read."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
