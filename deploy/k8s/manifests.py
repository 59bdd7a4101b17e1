"""The rendered manifests, and the questions that the checks ask about them."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
_WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


class RenderingFailed(Exception):
    """kubectl did not render the folder, or had something to remark."""


@dataclass(frozen=True)
class Variable:
    """One environment variable of a container; `value` is None when no manifest holds it."""

    name: str
    value: str | None = None
    secret: tuple[str, str] | None = None
    field_path: str | None = None


@dataclass(frozen=True)
class Workload:
    """Anything that makes pods."""

    document: Document

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])

    @property
    def kind(self) -> str:
        return str(self.document["kind"])

    @property
    def spec(self) -> Document:
        return dict(self.document["spec"])

    @property
    def labels(self) -> dict[str, str]:
        """The labels that its pods carry."""
        return dict(self.spec["template"]["metadata"].get("labels", {}))

    @property
    def pod(self) -> Document:
        return dict(self.spec["template"]["spec"])

    @property
    def containers(self) -> list[Document]:
        """All of them, those that run before the others included."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def port_names(self) -> dict[str, int]:
        return {
            port["name"]: port["containerPort"]
            for container in self.containers
            for port in container.get("ports", [])
            if "name" in port
        }


@dataclass(frozen=True)
class Manifests:
    """All documents of one rendering."""

    documents: list[Document]

    def of_kind(self, kind: str) -> list[Document]:
        """The documents of that kind."""
        return [one for one in self.documents if one["kind"] == kind]

    @property
    def workloads(self) -> list[Workload]:
        return [Workload(one) for one in self.documents if one["kind"] in _WORKLOAD_KINDS]

    @property
    def config_maps(self) -> dict[str, dict[str, str]]:
        """What each ConfigMap holds, by its name."""
        return {one["metadata"]["name"]: one.get("data", {}) for one in self.of_kind("ConfigMap")}

    def environment(self, container: Document) -> dict[str, Variable]:
        """What the container sees; later entries win, and single ones win over whole lists.

        References that lead nowhere are left out here; `references` complains of them.
        """
        found: dict[str, Variable] = {}
        for source in container.get("envFrom", []):
            name = source.get("configMapRef", {}).get("name")
            prefix = source.get("prefix", "")
            for key, value in self.config_maps.get(name, {}).items():
                found[prefix + key] = Variable(prefix + key, value)
        for entry in container.get("env", []):
            found[entry["name"]] = self._variable(entry)
        return found

    def settings(self, workload: Workload) -> dict[str, Variable]:
        """The environment of a workload, all its containers taken together."""
        return {
            name: variable
            for container in workload.containers
            for name, variable in self.environment(container).items()
        }

    def _variable(self, entry: Mapping[str, Any]) -> Variable:
        name, source = entry["name"], entry.get("valueFrom", {})
        if "configMapKeyRef" in source:
            ref = source["configMapKeyRef"]
            return Variable(name, self.config_maps.get(ref["name"], {}).get(ref["key"]))
        if "secretKeyRef" in source:
            ref = source["secretKeyRef"]
            return Variable(name, secret=(ref["name"], ref["key"]))
        if "fieldRef" in source:
            return Variable(name, field_path=source["fieldRef"]["fieldPath"])
        return Variable(name, entry.get("value", ""))


def render(folder: Path) -> Manifests:
    """What `kubectl apply -k` would send, from the kubectl beside this Python.

    RenderingFailed also when it succeeds with a remark, such as that a field is deprecated.
    """
    kubectl = Path(sys.executable).parent / "kubectl"
    done = subprocess.run(
        [str(kubectl), "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode or done.stderr.strip():
        raise RenderingFailed(done.stderr.strip() or f"kubectl ended with {done.returncode}")
    return Manifests([one for one in yaml.safe_load_all(done.stdout) if one])


def volumes_at(workload: Workload) -> Iterator[tuple[str, Document]]:
    """Where each volume of a workload is mounted, and the volume; {} if it is not declared."""
    volumes = {one["name"]: one for one in workload.pod.get("volumes", [])}
    for container in workload.containers:
        for mount in container.get("volumeMounts", []):
            yield mount["mountPath"], volumes.get(mount["name"], {})
