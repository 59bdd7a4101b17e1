"""Whatever one document says of another: no schema sees it, and the cluster notices too late."""

from collections.abc import Iterator

from k8s.declared import SECRETS, WORKLOADS
from k8s.manifests import Document, Manifests, Workload

Reference = tuple[str, str]
"""The name of a ConfigMap or Secret, and a key in it."""


def settings_exist(manifests: Manifests) -> list[str]:
    """References to ConfigMaps that are not there, or have no such key."""
    problems = []
    for workload in manifests.workloads:
        for name, key in _config_map_references(workload):
            if name not in manifests.config_maps:
                problems.append(f"{workload.name}: there is no ConfigMap {name}")
            elif key and key not in manifests.config_maps[name]:
                problems.append(f"{workload.name}: ConfigMap {name} has no key {key}")
    return problems


def secrets_exist(manifests: Manifests) -> list[str]:
    """References to Secrets that are not declared; and every one is read by whom it is meant for.

    A manifest never holds a Secret.
    """
    problems = [
        f"Secret {one['metadata']['name']} is kept in a file" for one in manifests.of_kind("Secret")
    ]
    readers: dict[str, set[str]] = {name: set() for name in SECRETS}
    for workload in manifests.workloads:
        for name, key in _secret_references(workload):
            declared = SECRETS.get(name)
            if declared is None:
                problems.append(f"{workload.name}: Secret {name} is not declared")
                continue
            readers[name].add(workload.name)
            if not key:
                problems.append(f"{workload.name}: takes all of Secret {name}, not named keys")
            elif key not in declared.files:
                problems.append(f"{workload.name}: Secret {name} has no key {key}")
    for name, declared in SECRETS.items():
        if readers[name] != set(declared.read_by) and (declared.needed or readers[name]):
            said, found = ", ".join(sorted(declared.read_by)), ", ".join(sorted(readers[name]))
            problems.append(f"Secret {name} is for {said}, and is read by {found or 'nobody'}")
    return problems


def services_find_pods(manifests: Manifests) -> list[str]:
    """Services whose selector is not exactly one workload, or whose port no container has."""
    problems = []
    for service in manifests.of_kind("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        selector = spec.get("selector", {})
        found = [one for one in manifests.workloads if selector and _selects(selector, one)]
        if len(found) != 1:
            problems.append(f"Service {name} selects the pods of {len(found)} workloads")
            continue
        problems += [
            f"Service {name}: no port {port.get('targetPort')} in {found[0].name}"
            for port in spec["ports"]
            if port.get("targetPort") not in found[0].port_names
        ]
    return problems


def workloads_fit(manifests: Manifests) -> list[str]:
    """Every service is there once, selects its own pods, and has its own account."""
    names = sorted(one.name for one in manifests.workloads)
    problems = [] if names == sorted(WORKLOADS) else [f"workloads: {', '.join(names)}"]
    accounts = {one["metadata"]["name"] for one in manifests.of_kind("ServiceAccount")}
    services = {one["metadata"]["name"]: one for one in manifests.of_kind("Service")}
    for workload in manifests.workloads:
        selector = workload.spec.get("selector", {}).get("matchLabels", {})
        if workload.kind != "Job" and not (selector and _selects(selector, workload)):
            problems.append(f"{workload.name}: its selector does not find its own pods")
        if workload.pod.get("serviceAccountName") != workload.name or workload.name not in accounts:
            problems.append(f"{workload.name}: has no ServiceAccount of its own")
        if workload.kind == "StatefulSet":
            named = services.get(workload.spec.get("serviceName", ""))
            if named is None or not _selects(named["spec"].get("selector", {}), workload):
                problems.append(f"{workload.name}: its serviceName names no Service of its pods")
    return problems


def images_differ(manifests: Manifests) -> list[str]:
    """Each workload has the image of its name, with a version."""
    problems = []
    for workload in manifests.workloads:
        for container in workload.containers:
            image = container["image"]
            repository, _, tag = image.rpartition(":")
            if "@sha256:" in image:
                repository = image.partition("@")[0]
            elif "/" in tag or not repository or tag == "latest":
                problems.append(f"{workload.name}: {image} has no version")
                continue
            if repository.rpartition("/")[2] != workload.name:
                problems.append(f"{workload.name}: runs {image}")
    return problems


def _selects(selector: dict[str, str], workload: Workload) -> bool:
    return all(workload.labels.get(key) == value for key, value in selector.items())


def _config_map_references(workload: Workload) -> Iterator[Reference]:
    for container in workload.containers:
        yield from _in_environment(container, "configMap")
    for source in _volume_sources(workload):
        if "configMap" in source:
            name, items = source["configMap"]["name"], source["configMap"].get("items")
            yield from ((name, item["key"]) for item in items or [{"key": ""}])


def _secret_references(workload: Workload) -> Iterator[Reference]:
    for container in workload.containers:
        yield from _in_environment(container, "secret")
    for source in _volume_sources(workload):
        if "secret" in source:
            secret = source["secret"]
            name, items = secret.get("name") or secret.get("secretName"), secret.get("items")
            yield from ((name, item["key"]) for item in items or [{"key": ""}])


def _in_environment(container: Document, kind: str) -> Iterator[Reference]:
    for source in container.get("envFrom", []):
        if f"{kind}Ref" in source:
            yield source[f"{kind}Ref"]["name"], ""
    for entry in container.get("env", []):
        ref = entry.get("valueFrom", {}).get(f"{kind}KeyRef")
        if ref:
            yield ref["name"], ref["key"]


def _volume_sources(workload: Workload) -> Iterator[Document]:
    for volume in workload.pod.get("volumes", []):
        yield volume
        yield from volume.get("projected", {}).get("sources", [])
