"""Fields of formats without a public schema, taken from the vendors' documentation."""

from collections.abc import Iterator
from typing import Any

ANYTHING = "anything"
"""Allows any fields below: they belong to Kubernetes or the user."""

_IMAGE = dict.fromkeys(("repository", "tag", "pullPolicy"))
_POD = dict.fromkeys(
    ("podSecurityContext", "securityContext", "resources", "nodeSelector", "affinity",
     "tolerations", "annotations", "labels", "env", "envConfigMaps", "envSecrets", "volumes",
     "volumeMounts", "livenessProbe", "readinessProbe", "startupProbe"),
    ANYTHING,
)  # fmt: skip

HELM_VALUES: dict[str, Any] = {
    # https://github.com/dagster-io/dagster/tree/master/helm/dagster, values and schema (2026-11)
    "global": dict.fromkeys(("postgresqlSecretName", "dagsterHome", "serviceAccountName")),
    "generatePostgresqlPasswordSecret": None,
    "imagePullSecrets": ANYTHING,
    "postgresql": {
        **dict.fromkeys(("enabled", "postgresqlHost", "postgresqlUsername", "postgresqlDatabase")),
        "postgresqlParams": ANYTHING,
        "service": {"port": None},
    },
    "dagsterWebserver": {
        **_POD,
        "replicaCount": None,
        "image": _IMAGE,
        "service": dict.fromkeys(("type", "port", "annotations")),
        "workspace": {"enabled": None, "servers": [dict.fromkeys(("host", "port", "name"))]},
    },
    "dagsterDaemon": {
        **_POD,
        "image": _IMAGE,
        "heartbeatTolerance": None,
        "runCoordinator": {"enabled": None},
        "runMonitoring": {"enabled": None},
        "runRetries": {"enabled": None},
    },
    "dagster-user-deployments": {
        "deployments": [
            {
                **_POD,
                **dict.fromkeys(("name", "port", "dagsterApiGrpcArgs", "codeServerArgs")),
                "image": _IMAGE,
                "includeConfigInLaunchedRuns": {"enabled": None},
            }
        ]
    },
    "runLauncher": {
        "type": None,
        "config": {
            "k8sRunLauncher": {
                **dict.fromkeys(("imagePullPolicy", "failPodOnRunFailure", "jobNamespace")),
                "resources": ANYTHING,
                "runK8sConfig": dict.fromkeys(
                    ("containerConfig", "podSpecConfig", "jobSpecConfig", "jobMetadata",
                     "podTemplateSpecMetadata"), ANYTHING,
                ),
            }
        },
    },
    "computeLogManager": {"type": None},
    "telemetry": {"enabled": None},
    "retention": ANYTHING,
    "additionalInstanceConfig": ANYTHING,
}  # fmt: skip

_ENVS = [dict.fromkeys(("key", "value", "scope", "type"))]
_COMPONENT: dict[str, Any] = {
    **dict.fromkeys(("name", "run_command", "instance_count", "instance_size_slug")),
    "image": dict.fromkeys(("registry_type", "registry", "repository", "tag", "digest")),
    "envs": _ENVS,
}
_HEALTH_CHECK = dict.fromkeys(
    ("http_path", "port", "initial_delay_seconds", "period_seconds", "timeout_seconds",
     "success_threshold", "failure_threshold")
)  # fmt: skip

APP_SPEC: dict[str, Any] = {
    # https://docs.digitalocean.com/products/app-platform/reference/app-spec/ (2026-11)
    "name": None,
    "region": None,
    "envs": _ENVS,
    "databases": [dict.fromkeys(("name", "engine", "version", "production", "cluster_name",
                                 "db_name", "db_user"))],
    "jobs": [{**_COMPONENT, "kind": None}],
    "services": [
        {**_COMPONENT, "http_port": None, "internal_ports": None, "health_check": _HEALTH_CHECK}
    ],
    "workers": [_COMPONENT],
    "ingress": {"rules": [{"component": {"name": None}, "match": {"path": {"prefix": None}}}]},
    "alerts": [{"rule": None}],
}  # fmt: skip


def unknown_fields(document: Any, known: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each unknown field.

    Args:
        document: The parsed file, or a part of it.
        known: The known fields: mappings by name, lists with the fields of items, None for values.
        path: Path of the part within the file.
    """
    if known == ANYTHING:
        return
    if isinstance(document, list):
        inner = known[0] if isinstance(known, list) else known
        for number, item in enumerate(document):
            yield from unknown_fields(item, inner, f"{path}[{number}]")
    elif isinstance(document, dict):
        for name, value in document.items():
            if not isinstance(known, dict) or name not in known:
                yield f"{path}.{name}".lstrip(".")
            else:
                yield from unknown_fields(value, known[name], f"{path}.{name}")
