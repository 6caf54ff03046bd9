"""The commands `status` and `doctor`."""

import sys
from itertools import chain

import click

from vector_assets.cli.options import json_option
from vector_assets.core.settings import load_settings
from vector_assets.sources import SOURCES


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Say how fresh each source is; exit 0 when all is well, 1 when not.

    Asks the index, each source, and Dagster: its webserver at DAGSTER_GRAPHQL_URL, or the records
    in DAGSTER_HOME when that does not answer. Without either, freshness is seen from the index.
    """
    from vector_assets.cli import output
    from vector_assets.monitoring.alerts.incidents import incident_store
    from vector_assets.monitoring.dagster_state.observe import observe_if_any
    from vector_assets.monitoring.health import Verdict, measure
    from vector_assets.monitoring.probes import Probes

    settings = load_settings()
    health = measure(settings, Probes(settings), observe_if_any(settings))
    with incident_store() as store:
        incidents = store.all()
    if as_json:
        open_incidents = [incident.as_json() for incident in incidents]
        output.print_json({**health.as_json(), "incidents": open_incidents})
    else:
        output.print_health(health)
        output.print_incidents(incidents)
    sys.exit(0 if health.verdict is Verdict.FRESH else 1)


@click.command()
@click.option("--canary", is_flag=True, help="Also write a document and find it by search.")
@json_option
def doctor(canary: bool, as_json: bool) -> None:
    """Ask each configured service whether its credentials work, and say what to fix."""
    from dataclasses import asdict

    from vector_assets.cli import output
    from vector_assets.monitoring.doctor import examine, examine_canary

    settings = load_settings()
    findings = []
    for finding in chain(examine(settings), examine_canary(settings) if canary else ()):
        findings.append(finding)
        if not as_json:
            output.print_finding(finding)
    if as_json:
        output.print_json([asdict(finding) for finding in findings])
    works = any(finding.state == "ok" for finding in findings if finding.service in SOURCES)
    if not works or any(finding.state == "broken" for finding in findings):
        sys.exit(1)
