"""`vector-assets status` and `vector-assets doctor`."""

import sys
from itertools import chain

import click

from vector_assets.cli.options import json_option
from vector_assets.core.settings import load_settings
from vector_assets.sources import SOURCES


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show how fresh each source is; exit 0 if everything is healthy, else 1.

    Reads the index, each source, and Dagster: its webserver at DAGSTER_GRAPHQL_URL, or DAGSTER_HOME
    when that does not answer. Without Dagster, freshness is measured from the index alone.
    """
    from vector_assets.cli.output.console import print_json
    from vector_assets.cli.output.health import print_health, print_incidents
    from vector_assets.monitoring.alerts.incidents import incident_store
    from vector_assets.monitoring.dagster_state.observe import observe_if_any
    from vector_assets.monitoring.health import measure
    from vector_assets.monitoring.probes import Probes
    from vector_assets.monitoring.verdict import Verdict

    settings = load_settings()
    health = measure(settings, Probes(settings), observe_if_any(settings))
    with incident_store() as store:
        incidents = store.all()
    if as_json:
        open_incidents = [incident.as_json() for incident in incidents]
        print_json({**health.as_json(), "incidents": open_incidents})
    else:
        print_health(health)
        print_incidents(incidents)
    sys.exit(0 if health.verdict is Verdict.FRESH else 1)


@click.command()
@click.option("--canary", is_flag=True, help="Also write a document and search for it.")
@json_option
def doctor(canary: bool, as_json: bool) -> None:
    """Check the credentials of each configured service, and say what to fix."""
    from dataclasses import asdict

    from vector_assets.cli.output.console import print_json
    from vector_assets.cli.output.health import print_service_check
    from vector_assets.monitoring.doctor import examine, examine_canary

    settings = load_settings()
    checks = []
    for check in chain(examine(settings), examine_canary(settings) if canary else ()):
        checks.append(check)
        if not as_json:
            print_service_check(check)
    if as_json:
        print_json([asdict(check) for check in checks])
    works = any(check.state == "ok" for check in checks if check.service in SOURCES)
    if not works or any(check.state == "broken" for check in checks):
        sys.exit(1)
