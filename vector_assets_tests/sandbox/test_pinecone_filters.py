"""Pinecone's filters, as the sandbox reads them."""

from typing import Any

import pytest

from vector_assets.sandbox.pinecone.filters import BadFilterError, matcher

RECORD = {"document_id": "jira:1", "chunk": 0, "updated_at": 5.0, "access": ["ann", "bob"]}


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        (None, True),
        ({}, True),
        ({"chunk": 0}, True),
        ({"chunk": {"$eq": 1}}, False),
        ({"chunk": {"$ne": 1}, "updated_at": {"$gt": 4, "$lte": 5}}, True),
        ({"updated_at": {"$gte": 5, "$lt": 5}}, False),
        ({"chunk": {"$in": [1, 0]}}, True),
        ({"chunk": {"$nin": [1, 0]}}, False),
        ({"access": "bob"}, True),
        ({"access": {"$in": ["eve", "bob"]}}, True),
        ({"access": {"$in": ["eve"]}}, False),
        ({"title": {"$exists": False}}, True),
        ({"title": {"$eq": "x"}}, False),
        ({"$and": [{"chunk": 0}, {"access": "eve"}]}, False),
        ({"$or": [{"chunk": 1}, {"access": "bob"}]}, True),
        ({"$or": []}, False),
    ],
)
def test_a_record_meets_a_filter(condition: Any, is_met: bool) -> None:
    assert matcher(condition)(RECORD) is is_met


@pytest.mark.parametrize(
    ("parts", "is_met"),
    [
        ([{"document_id": {"$eq": "jira:1"}, "chunk": {"$in": [0]}}], True),
        ([{"document_id": {"$eq": "jira:1"}, "chunk": {"$in": [1]}}], False),
        ([{"document_id": {"$eq": "jira:2"}, "chunk": {"$in": [0]}}], False),
        (
            [{"document_id": {"$eq": "jira:1"}, "chunk": 1}, {"document_id": {"$eq": "jira:1"}}],
            True,
        ),
        ([{"document_id": {"$eq": "jira:2"}}, {"chunk": 0}], True),
        ([{"document_id": {"$eq": "jira:2"}}, {"document_id": "jira:1"}], True),
        ([{"document_id": {"$eq": "jira:2"}}, {"document_id": {"$ne": "jira:2"}}], True),
    ],
)
def test_parts_by_id_and_others_are_all_tried(parts: list[Any], is_met: bool) -> None:
    assert matcher({"$or": parts})(RECORD) is is_met
    listed = {**RECORD, "document_id": ["jira:1", "jira:9"]}
    assert matcher({"$or": parts})(listed) is is_met


def test_an_operator_that_the_vendor_does_not_know_is_refused() -> None:
    with pytest.raises(BadFilterError, match=r"\$near is not a valid operator"):
        matcher({"$or": [{"chunk": {"$near": 1}}]})


@pytest.mark.parametrize("bound", ["jira:1", [["jira:1"]], [{}], None])
def test_what_is_no_list_of_values_is_refused(bound: Any) -> None:
    with pytest.raises(BadFilterError, match=r"\$in wants a list of texts, numbers or booleans"):
        matcher({"document_id": {"$nin": bound}})
