"""How pods run: what they may do, how they begin, answer, make room for the next, and stop."""

from decimal import Decimal

from k8s.declared import KEEPS_ITS_NAME, ONE_REPLICA
from k8s.manifests import Document, Manifests, Workload

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
_UNITS = {"m": Decimal("0.001"), "": Decimal(1), "k": Decimal(1000), "M": Decimal(10) ** 6,
          "G": Decimal(10) ** 9, "Ki": Decimal(2) ** 10, "Mi": Decimal(2) ** 20,
          "Gi": Decimal(2) ** 30}  # fmt: skip
STOPPING_STEPS = 3
"""Running requests, then the service's own work, then the bus: each has GRACEFUL_SECONDS."""
_PROBES = {
    "startupProbe": "/health/live",
    "livenessProbe": "/health/live",
    "readinessProbe": "/health/ready",
}


def restricted(manifests: Manifests) -> list[str]:
    """The Pod Security profile of that name, a root that cannot be written, and no API token."""
    problems = [
        f"Namespace {one['metadata']['name']} does not enforce the restricted profile"
        for one in manifests.of_kind("Namespace")
        if one["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce")
        != "restricted"
    ]
    for workload in manifests.workloads:
        found = _pod_breaks(workload.pod)
        for container in workload.containers:
            found += _container_breaks(container, workload.pod.get("securityContext", {}))
        problems += [f"{workload.name}: {one}" for one in found]
    return problems


def _pod_breaks(pod: Document) -> list[str]:
    problems = [f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    problems += [
        f"volume {volume['name']} is of a kind that is not allowed"
        for volume in pod.get("volumes", [])
        if not set(volume) - {"name"} <= _VOLUMES
    ]
    if pod.get("securityContext", {}).get("sysctls"):
        problems.append("sysctls are set")
    if pod.get("automountServiceAccountToken") is not False:
        problems.append("gets a token for the Kubernetes API")
    if pod.get("enableServiceLinks") is not False:
        problems.append("gets variables named after Services, which settings could be mistaken for")
    return problems


def _container_breaks(container: Document, of_pod: Document) -> list[str]:
    own = container.get("securityContext", {})
    context = {**of_pod, **own}
    wrong = {
        "may be root": context.get("runAsNonRoot") is not True or not context.get("runAsUser"),
        "may gain privileges": own.get("allowPrivilegeEscalation") is not False,
        "is privileged": bool(own.get("privileged")),
        "keeps capabilities": "ALL" not in own.get("capabilities", {}).get("drop", []),
        "adds capabilities": bool(own.get("capabilities", {}).get("add")),
        "has no seccomp profile": context.get("seccompProfile", {}).get("type")
        not in ("RuntimeDefault", "Localhost"),
        "can write its root": own.get("readOnlyRootFilesystem") is not True,
        "takes ports of the host": any("hostPort" in one for one in container.get("ports", [])),
        "has another /proc": own.get("procMount", "Default") != "Default",
    }
    return [text for text, is_so in wrong.items() if is_so]


def probes_answer(manifests: Manifests) -> list[str]:
    """All three probes, on the port the service listens at, at an address others can reach."""
    problems = []
    for workload in manifests.workloads:
        if workload.kind == "Job":
            continue
        settings, ports = manifests.settings(workload), workload.port_names
        for word in ("HTTP", "SMTP"):
            port = settings.get(f"{word}_PORT")
            if port and port.value != str(ports.get(word.lower())):
                problems.append(
                    f"{workload.name}: {word}_PORT is not the port named {word.lower()}"
                )
            host = settings.get(f"{word}_HOST")
            if (port or host) and (host is None or host.value not in ("0.0.0.0", "::")):
                problems.append(f"{workload.name}: {word}_HOST is not open to other pods")
        if "HTTP_PORT" not in settings:
            problems.append(f"{workload.name}: HTTP_PORT is not set")
        for name, path in _PROBES.items():
            get = workload.containers[0].get(name, {}).get("httpGet", {})
            if (get.get("path"), get.get("port")) != (path, "http"):
                problems.append(f"{workload.name}: {name} does not ask {path} at port http")
    return problems


def stops_in_time(manifests: Manifests) -> list[str]:
    """The kubelet waits longer than a service may take; one with a Service leaves it first."""
    problems = []
    for workload in manifests.workloads:
        variable = manifests.settings(workload).get("GRACEFUL_SECONDS")
        if workload.kind == "Job":
            continue
        if variable is None or variable.value is None:
            problems.append(f"{workload.name}: GRACEFUL_SECONDS is not set")
            continue
        hooks = [one.get("lifecycle", {}).get("preStop", {}) for one in workload.containers]
        if any(set(hook) - {"sleep"} for hook in hooks):
            problems.append(
                f"{workload.name}: preStop runs something; images have no shell to rely on"
            )
        pause = max(hook.get("sleep", {}).get("seconds", 0) for hook in hooks)
        longest = pause + STOPPING_STEPS * float(variable.value)
        grace = workload.pod.get("terminationGracePeriodSeconds", 30)
        if grace <= longest:
            problems.append(f"{workload.name}: is killed after {grace} s, may need {longest:g} s")
        if not pause and _is_called(manifests, workload):
            problems.append(f"{workload.name}: stops while its Service still sends connections")
    return problems


def rolls_safely(manifests: Manifests) -> list[str]:
    """A new version never leaves a gap, except where two at a time would be worse."""
    problems = []
    for workload in manifests.workloads:
        name, spec = workload.name, workload.spec
        strategy = spec.get("strategy", {})
        rolling = strategy.get("rollingUpdate", {})
        if name in KEEPS_ITS_NAME:
            instance = manifests.settings(workload).get("INSTANCE")
            named = instance is not None and instance.field_path == "metadata.name"
            if workload.kind != "StatefulSet" or not named:
                problems.append(f"{name}: INSTANCE is not a name that stays")
        elif name in ONE_REPLICA:
            if spec.get("replicas") != 1 or strategy.get("type") != "Recreate":
                problems.append(f"{name}: two could run at a time")
        elif workload.kind == "Deployment":
            if rolling.get("maxUnavailable") != 0 or rolling.get("maxSurge") in (None, 0, "0%"):
                problems.append(f"{name}: an update takes a pod away before the next one is ready")
            if spec.get("replicas", 1) < 2:
                problems.append(f"{name}: has one replica only")
    return problems


def resources_said(manifests: Manifests) -> list[str]:
    """Memory requested and limited, processor time requested."""
    problems = []
    for workload in manifests.workloads:
        for container in workload.containers:
            resources = container.get("resources", {})
            requests, limits = resources.get("requests", {}), resources.get("limits", {})
            if "cpu" not in requests or "memory" not in requests or "memory" not in limits:
                problems.append(f"{workload.name}: does not say what it needs")
            elif _quantity(requests["memory"]) > _quantity(limits["memory"]):
                problems.append(f"{workload.name}: asks for more memory than it may have")
    return problems


def _is_called(manifests: Manifests, workload: Workload) -> bool:
    """A Service with an address of its own sends it connections."""
    return any(
        service["spec"].get("clusterIP") != "None"
        and service["spec"].get("selector", {}).items() <= workload.labels.items()
        for service in manifests.of_kind("Service")
    )


def _quantity(text: object) -> Decimal:
    """A Kubernetes quantity as a number."""
    written = str(text)
    number = written.rstrip("mkKMGi")
    return Decimal(number) * _UNITS[written[len(number) :]]
