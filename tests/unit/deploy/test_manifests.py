"""The manifests hold every promise, and each check notices when one is broken."""

# ruff: noqa: E501 - the table of breaks reads best with one line each

import copy
from pathlib import Path

import pytest
from k8s.manifests import Manifests, RenderingFailed, render
from k8s.validate import BASE, checks, main

CHECKS = checks()


@pytest.fixture(scope="module")
def base():
    return render(BASE)


@pytest.fixture
def broken(base):
    """A copy that a test may break."""
    return copy.deepcopy(base)


def _find(manifests: Manifests, kind: str, name: str):
    """The document; generated names have a hash behind them."""
    return next(
        one
        for one in manifests.of_kind(kind)
        if one["metadata"]["name"] == name or one["metadata"]["name"].rpartition("-")[0] == name
    )


def _pod(manifests, name, kind="Deployment"):
    return _find(manifests, kind, name)["spec"]["template"]["spec"]


def _main(manifests, name, kind="Deployment"):
    return _pod(manifests, name, kind)["containers"][0]


def _set(manifests, name, variable, value, kind="Deployment"):
    """Set one variable of a workload to a value."""
    env = _main(manifests, name, kind)["env"]
    env[:] = [one for one in env if one["name"] != variable]
    if value is not None:
        env.append({"name": variable, "value": value})


def _key(manifests, name, variable, key):
    """Let a variable come from another key."""
    env = _main(manifests, name)["env"]
    source = next(one for one in env if one["name"] == variable)["valueFrom"]
    next(iter(source.values()))["key"] = key


def _service(manifests, name):
    return _find(manifests, "Service", name)["spec"]


def _put(place, value, *path):
    """Set what is at the end of a path."""
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value


OLD, NEW = "Kubernetes 1.30 takes every document", list(CHECKS)[1]
NAMES = "names are used once, in one namespace"
THERE = "every service is there, with an account of its own"
MAPS = "ConfigMaps and their keys exist"
SECRETS = "Secrets are declared, and read by whom they are for"
FOUND = "Services find pods and ports"
IMAGES = "each image has its own name and a version"
READ = "every variable is a setting that is read"
VALUES = "every value is accepted"
DEFAULTS = "no setting is left at a developer's default"
AGREE = "shared values agree"
FILES = "files that settings name are mounted"
RESTRICTED = "pods keep to the restricted profile"
PROBES = "probes ask where the service listens"
STOP = "pods have the time to stop"
ROLL = "updates leave no gap"
NEEDS = "resources are said"

BREAKS = [
    # what a server refuses
    (OLD, "unknown field", lambda m: _put(_main(m, "config"), 1, "imagePullPolicyy")),
    (NEW, "unknown field", lambda m: _put(_pod(m, "config"), 1, "graceSeconds")),
    (OLD, "wrong type", lambda m: _put(_find(m, "Deployment", "config"), "one", "spec", "replicas")),
    (NEW, "kind without schema", lambda m: m.documents.append(
        {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
         "metadata": {"name": "x", "namespace": "postbus"}})),
    (OLD, "removed version", lambda m: _put(_find(m, "Deployment", "config"), "apps/v1beta1", "apiVersion")),
    (NAMES, "twice", lambda m: m.documents.append(_find(m, "Service", "config"))),
    (NAMES, "elsewhere", lambda m: _put(_find(m, "Service", "config"), "default", "metadata", "namespace")),
    # references
    (THERE, "one is gone", lambda m: m.documents.remove(_find(m, "Deployment", "loopguard"))),
    (THERE, "one too many", lambda m: _put(_find(m, "Deployment", "loopguard"), "loopguards", "metadata", "name")),
    (THERE, "selects others", lambda m: _put(_find(m, "Deployment", "config")["spec"], {"a": "b"}, "selector", "matchLabels")),
    (THERE, "foreign account", lambda m: _put(_pod(m, "config"), "ticketing", "serviceAccountName")),
    (THERE, "no account", lambda m: m.documents.remove(_find(m, "ServiceAccount", "config"))),
    (THERE, "names of pods", lambda m: _put(_find(m, "StatefulSet", "dispatch"), "x", "spec", "serviceName")),
    (MAPS, "key", lambda m: _key(m, "config", "MAIL_DOMAIN", "MAIL_DOMAINS")),
    (MAPS, "map", lambda m: _put(_main(m, "config"), "other", "envFrom", 0, "configMapRef", "name")),
    (SECRETS, "key", lambda m: _key(m, "ticketing", "MONGODB_URL", "uri")),
    (SECRETS, "not declared", lambda m: _put(_main(m, "loopguard"), [{"secretRef": {"name": "mine"}}], "envFrom")),
    (SECRETS, "foreign seed", lambda m: _put(_pod(m, "loopguard"), "nats-setup",
        "volumes", 0, "projected", "sources", 0, "secret", "name")),
    (SECRETS, "file key", lambda m: _put(_pod(m, "loopguard"), "seed",
        "volumes", 0, "projected", "sources", 0, "secret", "items", 0, "key")),
    (SECRETS, "all of it", lambda m: _pod(m, "loopguard")["volumes"][0]["projected"]["sources"][0]["secret"].pop("items")),
    (SECRETS, "certificate of the door", lambda m: _put(_pod(m, "loopguard"), "smtp-tls",
        "volumes", 0, "projected", "sources", 0, "secret", "name")),
    (SECRETS, "in a file", lambda m: m.documents.append(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "postbus"}})),
    (FOUND, "selector", lambda m: _put(_service(m, "config"), {"app.kubernetes.io/name": "konfig"}, "selector")),
    (FOUND, "all pods", lambda m: _put(_service(m, "config"), {"app.kubernetes.io/part-of": "postbus"}, "selector")),
    (FOUND, "port", lambda m: _put(_service(m, "ingest-forward"), "smtps", "ports", 0, "targetPort")),
    (IMAGES, "of another", lambda m: _put(_main(m, "config"), "postbus/ticketing:0.1.0", "image")),
    (IMAGES, "latest", lambda m: _put(_main(m, "config"), "postbus/config:latest", "image")),
    (IMAGES, "no version", lambda m: _put(_main(m, "config"), "registry.example:5000/postbus/config", "image")),
    # settings
    (READ, "misspelt", lambda m: _set(m, "ticketing", "MONGO_URL", "mongodb://x")),
    (READ, "of another service", lambda m: _set(m, "loopguard", "TENANT", "postbus")),
    (READ, "of all", lambda m: _put(_find(m, "ConfigMap", "common"), "1", "data", "LOG_LEVELS")),
    (READ, "setup", lambda m: _set(m, "setup", "NATS_REPLICAS", "3", "Job")),
    (READ, "blob store", lambda m: _put(_find(m, "ConfigMap", "blobs"), "x", "data", "AWS_REGIO")),
    (READ, "not for this one", lambda m: _set(m, "loopguard", "AWS_REGION", "x")),
    (VALUES, "no number", lambda m: _put(_find(m, "ConfigMap", "common"), "soon", "data", "GRACEFUL_SECONDS")),
    (VALUES, "no such word", lambda m: _put(_find(m, "ConfigMap", "common"), "xml", "data", "LOG_FORMAT")),
    (VALUES, "two that belong together", lambda m: _set(m, "ingest-forward", "TLS_KEY_FILE", "/k")),
    (DEFAULTS, "database", lambda m: _set(m, "ticketing", "MONGODB_URL", None)),
    (DEFAULTS, "mail server", lambda m: _set(m, "dispatch", "RELAY_URL", None, "StatefulSet")),
    (DEFAULTS, "domain", lambda m: _set(m, "config", "MAIL_DOMAIN", None)),
    (DEFAULTS, "user", lambda m: _set(m, "loopguard", "NATS_SEED_FILE", None)),
    (DEFAULTS, "bus of the job", lambda m: _set(m, "setup", "NATS_URL", None, "Job")),
    (DEFAULTS, "a disk", lambda m: _put(_find(m, "ConfigMap", "blobs"), "file:///tmp/b", "data", "BLOB_URL")),
    (AGREE, "tenant", lambda m: _set(m, "ticketing", "TENANT", "other")),
    (AGREE, "door", lambda m: _set(m, "config", "FORWARD_DOOR", "ingest-forward:2525")),
    (FILES, "another path", lambda m: _set(m, "config", "SECRETS_PUBLIC_KEY_FILE", "/etc/x")),
    (FILES, "seed", lambda m: _set(m, "setup", "NATS_SEED_FILE", "/etc/postbus/seed", "Job")),
    (FILES, "mounted elsewhere", lambda m: _put(_main(m, "loopguard"), "/etc/keys", "volumeMounts", 0, "mountPath")),
    # pods
    (RESTRICTED, "namespace", lambda m: _find(m, "Namespace", "postbus")["metadata"]["labels"].clear()),
    (RESTRICTED, "root", lambda m: _put(_pod(m, "config"), 0, "securityContext", "runAsUser")),
    (RESTRICTED, "not said", lambda m: _pod(m, "config")["securityContext"].pop("runAsNonRoot")),
    (RESTRICTED, "seccomp", lambda m: _pod(m, "config")["securityContext"].pop("seccompProfile")),
    (RESTRICTED, "network", lambda m: _put(_pod(m, "config"), True, "hostNetwork")),
    (RESTRICTED, "disk", lambda m: _pod(m, "config")["volumes"].append({"name": "d", "hostPath": {"path": "/"}})),
    (RESTRICTED, "sysctls", lambda m: _put(_pod(m, "config"), [{"name": "a", "value": "b"}], "securityContext", "sysctls")),
    (RESTRICTED, "token", lambda m: _pod(m, "config").pop("automountServiceAccountToken")),
    (RESTRICTED, "links", lambda m: _pod(m, "config").pop("enableServiceLinks")),
    (RESTRICTED, "privileges", lambda m: _main(m, "config")["securityContext"].pop("allowPrivilegeEscalation")),
    (RESTRICTED, "privileged", lambda m: _put(_main(m, "config"), True, "securityContext", "privileged")),
    (RESTRICTED, "capabilities", lambda m: _put(_main(m, "config"), ["NET_RAW"], "securityContext", "capabilities", "drop")),
    (RESTRICTED, "one capability", lambda m: _put(_main(m, "config"), ["SYS_TIME"], "securityContext", "capabilities", "add")),
    (RESTRICTED, "writable", lambda m: _main(m, "config")["securityContext"].pop("readOnlyRootFilesystem")),
    (RESTRICTED, "host port", lambda m: _put(_main(m, "config"), 80, "ports", 0, "hostPort")),
    (RESTRICTED, "first container", lambda m: _put(_pod(m, "config"), [{"name": "i", "image": "postbus/config:1"}], "initContainers")),
    (PROBES, "path", lambda m: _put(_main(m, "config"), "/healthz", "livenessProbe", "httpGet", "path")),
    (PROBES, "live is not ready", lambda m: _put(_main(m, "config"), "/health/ready", "livenessProbe", "httpGet", "path")),
    (PROBES, "port", lambda m: _put(_main(m, "ingest-forward"), "smtp", "readinessProbe", "httpGet", "port")),
    (PROBES, "none", lambda m: _main(m, "config").pop("startupProbe")),
    (PROBES, "listens elsewhere", lambda m: _set(m, "config", "HTTP_PORT", "8081")),
    (PROBES, "door elsewhere", lambda m: _set(m, "ingest-forward", "SMTP_PORT", "25")),
    (PROBES, "only to itself", lambda m: _set(m, "config", "HTTP_HOST", "127.0.0.1")),
    (PROBES, "door to itself", lambda m: _set(m, "ingest-forward", "SMTP_HOST", None)),
    (STOP, "killed early", lambda m: _put(_pod(m, "ticketing"), 65, "terminationGracePeriodSeconds")),
    (STOP, "default grace", lambda m: _pod(m, "dispatch", "StatefulSet").pop("terminationGracePeriodSeconds")),
    (STOP, "takes longer", lambda m: _set(m, "ticketing", "GRACEFUL_SECONDS", "25")),
    (STOP, "a shell", lambda m: _put(_main(m, "config"), {"preStop": {"exec": {"command": ["sleep", "5"]}}}, "lifecycle")),
    (STOP, "no pause", lambda m: _main(m, "ticketing").pop("lifecycle")),
    (ROLL, "a gap", lambda m: _put(_find(m, "Deployment", "ticketing"), 1, "spec", "strategy", "rollingUpdate", "maxUnavailable")),
    (ROLL, "stuck", lambda m: _put(_find(m, "Deployment", "ticketing"), 0, "spec", "strategy", "rollingUpdate", "maxSurge")),
    (ROLL, "alone", lambda m: _put(_find(m, "Deployment", "loopguard"), 1, "spec", "replicas")),
    (ROLL, "two at a time", lambda m: _put(_find(m, "Deployment", "config"), {"type": "RollingUpdate"}, "spec", "strategy")),
    (ROLL, "two of one", lambda m: _put(_find(m, "Deployment", "config"), 2, "spec", "replicas")),
    (ROLL, "another name", lambda m: _set(m, "dispatch", "INSTANCE", "dispatch", "StatefulSet")),
    (ROLL, "passing name", lambda m: _put(_find(m, "StatefulSet", "dispatch"), "Deployment", "kind")),
    (NEEDS, "no limit", lambda m: _main(m, "config")["resources"].pop("limits")),
    (NEEDS, "no request", lambda m: _main(m, "config")["resources"]["requests"].pop("cpu")),
    (NEEDS, "more than allowed", lambda m: _put(_main(m, "config"), "2Gi", "resources", "requests", "memory")),
]  # fmt: skip


@pytest.mark.parametrize("promise", CHECKS)
def test_the_manifests_keep_their_promises(base, promise):
    assert CHECKS[promise](base) == []


@pytest.mark.parametrize(
    ("promise", "spoil"),
    [(promise, spoil) for promise, _, spoil in BREAKS],
    ids=[f"{promise.partition(',')[0]}: {what}" for promise, what, _ in BREAKS],
)
def test_a_broken_promise_is_noticed(broken, promise, spoil):
    spoil(broken)
    assert CHECKS[promise](broken)


def test_every_check_can_fail():
    assert {promise for promise, _, _ in BREAKS} == set(CHECKS)


def test_the_command_says_what_is_wrong_and_fails(tmp_path: Path, capsys):
    """One service with a setting that nothing reads, in a folder of its own."""
    (tmp_path / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\n"
        "kind: Kustomization\n"
        f"resources: [{Path('../' * len(tmp_path.parts)) / BASE.relative_to('/')}]\n"
        "patches:\n"
        "  - target: {kind: Deployment, name: ticketing}\n"
        "    patch: |\n"
        "      - {op: add, path: /spec/template/spec/containers/0/env/-,"
        " value: {name: MONGO_URL, value: x}}\n"
    )
    assert main(tmp_path) == 1
    said = capsys.readouterr().out
    assert "FAIL  every variable is a setting that is read\n" in said
    assert "ticketing: nothing reads MONGO_URL" in said
    assert "18 checks, 1 failed" in said


def test_the_command_passes_for_what_is_shipped(capsys):
    assert main() == 0
    assert "FAIL" not in capsys.readouterr().out


def test_a_remark_of_kubectl_is_a_failure(tmp_path: Path):
    """`commonLabels` is deprecated: kubectl renders it and says so."""
    (tmp_path / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        "commonLabels: {a: b}\nconfigMapGenerator: [{name: x, literals: [A=b]}]\n"
    )
    with pytest.raises(RenderingFailed, match="deprecated"):
        render(tmp_path)


def test_a_setting_of_its_own_wins_over_the_common_one(base):
    dispatch = next(one for one in base.workloads if one.name == "dispatch")
    assert base.settings(dispatch)["GRACEFUL_SECONDS"].value == "60"
