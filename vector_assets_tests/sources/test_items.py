"""What sources yield beside documents can be printed and stored, whatever a vendor said."""

from vector_assets.sources.items import DocumentFailure, Gap

HALF = "half \ud83d of an emoji\x00"
WHOLE = "half \ufffd of an emoji"


def test_a_failure_and_a_gap_hold_what_can_be_printed() -> None:
    failure = DocumentFailure(f"jira:{HALF}", HALF)
    assert (failure.document_id, failure.cause) == (f"jira:{WHOLE}", WHOLE)
    gap = Gap(HALF, HALF, HALF)
    assert (gap.subject, gap.reason, gap.advice) == (WHOLE, WHOLE, WHOLE)
