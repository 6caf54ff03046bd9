"""Names of accounts that a text mentions by id alone."""

from collections.abc import Callable, Mapping
from typing import Any

from vector_assets.core.errors import ContractError, CredentialsError
from vector_assets.sources.jira.client import JiraApi
from vector_assets.sources.jira.json_values import scalar_text

NOBODY_KNOWN = "someone"
"""Stands for an account whose name Jira does not tell."""


class AccountNames:
    """Names accounts by what an issue itself says, else by a request, once each.

    Args:
        api: Of the run.
    """

    def __init__(self, api: JiraApi) -> None:
        self._api = api
        self._asked: dict[str, str] = {}

    def within(self, issue: Any) -> Callable[[str], str]:
        """Return what names the accounts that an issue mentions.

        Args:
            issue: With its comments; people in any of its fields are known by name.
        """
        people: dict[str, str] = {}

        def name_of(account_id: str) -> str:
            if not people:
                people.update(_people_in(issue))
            return people.get(account_id) or self._ask(account_id)

        return name_of

    def _ask(self, account_id: str) -> str:
        if account_id not in self._asked:
            self._asked[account_id] = self._name(account_id) or NOBODY_KNOWN
        return self._asked[account_id]

    def _name(self, account_id: str) -> str:
        """Return the name of an account; empty where Jira refuses or does not know it.

        Raises:
            RetryableError: Jira does not answer: no name is made up for a passing error.
        """
        if not account_id:
            return ""
        try:
            return scalar_text(self._api.user(account_id).get("displayName"))
        except CredentialsError as error:
            if not self._api.is_refusal(error):
                raise
        except ContractError as error:
            # Apps write ids that are none, which Jira answers with 400 or 404.
            if not error.seen.startswith(("HTTP 400:", "HTTP 404:")):
                raise
        return ""


def _people_in(value: Any) -> dict[str, str]:
    """Return the names of the people in a value, by the ids of their accounts."""
    names: dict[str, str] = {}
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, Mapping):
            account_id = scalar_text(current.get("accountId"))
            if account_id and (name := scalar_text(current.get("displayName"))):
                names[account_id] = name
            if current.get("type") == "mention" and isinstance(current.get("attrs"), Mapping):
                mention = current["attrs"]
                if name := scalar_text(mention.get("text")).removeprefix("@"):
                    names.setdefault(scalar_text(mention.get("id")), name)
            pending += current.values()
        elif isinstance(current, list):
            pending += current
    return names
