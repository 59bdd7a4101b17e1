"""`make k8s`: renders the manifests and says of each check whether it holds; needs no network."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from k8s import pods, references, schema, settings
from k8s.manifests import Manifests, RenderingFailed, render

Check = Callable[[Manifests], list[str]]
BASE = Path(__file__).resolve().parent / "base"


def checks() -> dict[str, Check]:
    """Every check by the promise it keeps; a check gives the problems it sees."""
    versions = (schema.OLDEST, schema.newest())
    return {
        **{
            f"Kubernetes {version} takes every document": partial(
                schema.violations, version=version
            )
            for version in versions
        },
        "names are used once, in one namespace": schema.doubles,
        "every service is there, with an account of its own": references.workloads_fit,
        "ConfigMaps and their keys exist": references.settings_exist,
        "Secrets are declared, and read by whom they are for": references.secrets_exist,
        "Services find pods and ports": references.services_find_pods,
        "each image has its own name and a version": references.images_differ,
        "every variable is a setting that is read": settings.names_are_read,
        "every value is accepted": settings.values_are_accepted,
        "no setting is left at a developer's default": settings.defaults_are_replaced,
        "shared values agree": settings.values_agree,
        "files that settings name are mounted": settings.files_are_mounted,
        "pods keep to the restricted profile": pods.restricted,
        "probes ask where the service listens": pods.probes_answer,
        "pods have the time to stop": pods.stops_in_time,
        "updates leave no gap": pods.rolls_safely,
        "resources are said": pods.resources_said,
    }


def main(folder: Path = BASE) -> int:
    """0 when all checks hold."""
    try:
        manifests = render(folder)
    except RenderingFailed as error:
        print(f"FAIL  {folder.name} is not rendered: {error}")
        return 1
    failed = 0
    for promise, check in checks().items():
        problems = check(manifests)
        failed += bool(problems)
        print(f"{'FAIL' if problems else 'ok  '}  {promise}")
        for problem in problems:
            print(f"        {problem}")
    print(f"{len(manifests.documents)} documents, {len(checks())} checks, {failed} failed")
    return 1 if failed or not manifests.documents else 0


if __name__ == "__main__":
    sys.exit(main(*(Path(argument) for argument in sys.argv[1:2])))
