"""What the guide tells people to write is rendered and keeps every promise."""

import re
from pathlib import Path

import pytest
import yaml
from k8s.declared import SECRETS
from k8s.manifests import render
from k8s.validate import BASE, checks

from ingest_graph.subscribing import HOOKS

GUIDE = (BASE.parents[2] / "docs" / "guides" / "kubernetes.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    """The example, beside a checkout of the name that it expects."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "postbus").symlink_to(BASE.parents[2])
    mine = folder / "my-postbus"
    mine.mkdir()
    example = next(block for block in BLOCKS if "kind: Kustomization" in block)
    ingress = next(block for block in BLOCKS if "kind: Ingress" in block)
    (mine / "hooks.yaml").write_text(ingress)
    # kubectl follows no links out of a folder, so the path is written out.
    base = Path("../" * len(mine.parts)) / BASE.relative_to("/")
    (mine / "kustomization.yaml").write_text(
        example.replace("../postbus/deploy/k8s/base", str(base))
    )
    return render(mine)


@pytest.mark.parametrize("promise", checks())
def test_the_example_keeps_every_promise(overlay, promise):
    assert checks()[promise](overlay) == []


def test_the_example_changes_what_it_says(overlay):
    ticketing = next(one for one in overlay.workloads if one.name == "ticketing")
    assert overlay.settings(ticketing)["TENANT"].value == "example"
    assert overlay.settings(ticketing)["AWS_REGION"].value == "eu-central-1"
    assert ticketing.containers[0]["image"] == "registry.example.com/postbus/ticketing:0.1.0"


def test_the_way_in_for_notices_leads_to_ingest_graph_and_shows_nothing_else(overlay):
    (ingress,) = overlay.of_kind("Ingress")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["path"] == HOOKS
    service = path["backend"]["service"]
    assert service == {"name": "ingest-graph", "port": {"name": "http"}}
    graph = next(one for one in overlay.workloads if one.name == "ingest-graph")
    assert overlay.settings(graph)["HOOKS_URL"].value == f"https://{rule['host']}"
    assert rule["host"] in ingress["spec"]["tls"][0]["hosts"]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_is_yaml(block):
    assert yaml.safe_load(block)


@pytest.mark.parametrize("name", [name for name in SECRETS if not name.startswith("nats-")])
def test_every_secret_is_explained_with_its_keys(name):
    row = next(line for line in GUIDE.splitlines() if line.startswith(f"| `{name}` |"))
    for key in SECRETS[name].files:
        assert f"`{key}`" in row
    for reader in SECRETS[name].read_by:
        assert reader in row


def test_the_table_of_pods_is_what_the_manifests_say():
    for workload in render(BASE).workloads:
        if workload.kind == "Job":
            continue
        row = next(line for line in GUIDE.splitlines() if line.startswith(f"| {workload.name} | "))
        resources = workload.containers[0]["resources"]
        asked, limit = resources["requests"]["memory"], resources["limits"]["memory"]
        assert asked.replace("Mi", " Mi") in row
        assert re.sub(r"([MG]i)", r" \1", limit) in row
        assert f"{workload.pod['terminationGracePeriodSeconds']} s" in row
        assert f"| {workload.spec['replicas']}" in row
