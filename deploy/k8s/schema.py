"""What Kubernetes itself says of each document, from the schemas that kubernetes-validate has."""

import warnings
from collections import Counter

import kubernetes_validate

from k8s.manifests import Manifests

OLDEST = "1.30"
"""The first version whose pods can pause before they stop without a shell (preStop.sleep)."""


def newest() -> str:
    """The newest version there are schemas for."""
    return str(kubernetes_validate.latest_version()).rpartition(".")[0]


def violations(manifests: Manifests, version: str) -> list[str]:
    """Every document that a server of this version would refuse, or that has no schema."""
    problems = []
    for document in manifests.documents:
        name = f"{document.get('kind')}/{document.get('metadata', {}).get('name')}"
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            problem = _problem(document, version)
        problems += [f"{name}: {problem}"] if problem else []
        problems += [f"{name}: {remark.message}" for remark in remarks]
    return problems


def doubles(manifests: Manifests) -> list[str]:
    """Documents of one kind with one name, and such outside the namespace."""
    names = Counter((one["kind"], one["metadata"]["name"]) for one in manifests.documents)
    problems = [
        f"{kind}/{name} is there {times}x" for (kind, name), times in names.items() if times > 1
    ]
    namespaces = [one["metadata"]["name"] for one in manifests.of_kind("Namespace")]
    return problems + [
        f"{one['kind']}/{one['metadata']['name']} is in no namespace of ours"
        for one in manifests.documents
        if one["kind"] != "Namespace" and one["metadata"].get("namespace") not in namespaces
    ]


def _problem(document: dict[str, object], version: str) -> str | None:
    try:
        used = kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        where = ".".join(str(step) for step in error.path)
        return f"{where}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return str(error.message)
    if used != version:
        return f"there is no schema for {version}, only for {used}"
    return None
