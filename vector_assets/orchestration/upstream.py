"""External assets for what the documents come from: one a source, which nothing here materializes.

They show in the lineage where a source's documents begin, and lead to the vendor's site.
"""

import dagster as dg

from vector_assets.core.credentials import scrub
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.orchestration.addresses import web_address

_DESCRIPTIONS = {
    "jira": "The issues and comments of a Jira Cloud site.",
    "slack": "The channels of a Slack workspace that the bot is in.",
    "notion": "The pages and databases that are shared with the Notion integration.",
    "fireflies": "The meetings that the Fireflies key sees.",
    "files": "The Markdown and text files below FILES_PATH.",
}

_SITES = {
    "jira": "https://www.atlassian.com/software/jira",
    "slack": "https://app.slack.com",
    "notion": "https://www.notion.so",
    "fireflies": "https://app.fireflies.ai",
}


def upstream_key(source: str, naming: Naming = APPLICATION) -> dg.AssetKey:
    """Return the key of the external asset of a source."""
    return dg.AssetKey(naming.path(source))


def build_upstream(source: str, settings: Settings, naming: Naming = APPLICATION) -> dg.AssetSpec:
    """Return the external asset of a source; nothing is asked of the vendor."""
    site = _site_of(source, settings)
    return dg.AssetSpec(
        upstream_key(source, naming),
        description=_DESCRIPTIONS.get(source, f"What the source {source} reads."),
        group_name=naming.upstream_group,
        kinds={source},
        tags=naming.tags,
        metadata={"site": site} if site else None,
    )


def _site_of(source: str, settings: Settings) -> dg.MetadataValue | None:
    """Return the address that the settings hold of a source, else that of the product."""
    if source == "files":
        return dg.MetadataValue.path(scrub(settings.files_path)) if settings.files_path else None
    given = settings.jira_server if source == "jira" else ""
    site = web_address(given) or _SITES.get(source)
    return dg.MetadataValue.url(site) if site else None
