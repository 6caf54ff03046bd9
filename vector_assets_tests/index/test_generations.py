"""A store that passes each verb on: no verb may answer for itself."""

import inspect

from vector_assets.index.generations import RoutedStore
from vector_assets.stores.base import VectorStore

ABOUT_THE_WHOLE = {"check", "served_instead"}
"""Verbs that name no namespace to choose by."""


def test_every_verb_of_a_store_is_passed_on() -> None:
    verbs = {name for name, _ in inspect.getmembers(VectorStore, inspect.isfunction)}
    own = {name for name in vars(RoutedStore) if not name.startswith("_")}
    public = {name for name in verbs if not name.startswith("_")}
    assert public - own == ABOUT_THE_WHOLE
