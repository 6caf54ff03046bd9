"""What is asked: questions that name what is hidden, in every form that is heard in a question."""

from datetime import date

from vector_assets_tests.access.documents import CALLERS, DOCUMENTS
from vector_assets_tests.access.faces import FACES, FIND, Request

ROUTES = [
    (face, caller) for face in FACES for caller in CALLERS if FACES[face].takes(CALLERS[caller])
]
"""Each way in which each caller can come."""

JIRA, SLACK, NOTION = (
    next(each for each in DOCUMENTS if (each.source, each.kind) == (source, "ann"))
    for source in ("jira", "slack", "notion")
)

QUESTIONS = [
    Request(FIND, "crane report of the harbour"),
    Request(FIND, f"the {JIRA.marks[1]} manifest"),
    Request(FIND, f"what did Zora {JIRA.marks[2]} say about the crane"),
    Request(FIND, "crane report by Zora"),
    Request(FIND, f"reports by {NOTION.marks[2].title()} about the crane"),
    Request(FIND, f"crane report in #{SLACK.marks[3]}"),
    Request(FIND, f"crane tickets in project {JIRA.marks[3].upper()[:9]}"),
    Request(FIND, f"crane report in the {NOTION.marks[3]} database"),
    Request(FIND, f'"the {SLACK.marks[1]} manifest"'),
    Request(FIND, f"crane report without {SLACK.marks[1]}"),
    Request(FIND, JIRA.key),
    Request(FIND, f"{JIRA.key} crane", {"literal": True}),
    Request(FIND, "latest crane report"),
    Request(FIND, "crane report on 2026-03-02"),
    Request(FIND, "open crane tickets"),
    Request(FIND, "zqzqzq vessel nobody wrote of"),
    Request(FIND, "crane", {"container": JIRA.marks[3].upper()}),
    Request(FIND, "crane", {"since": date(2026, 3, 1), "until": date(2026, 3, 3)}),
    Request(FIND, "crane", {"source": "fireflies", "until": date(2026, 3, 3)}),
    Request(FIND, f"the {JIRA.marks[1]} manifest", {"confirm": True}),
]
"""None is answered otherwise because of what its reader may not read."""

FEW = [QUESTIONS[at] for at in (1, 2, 5, 8, 10, 17)]
"""Of each form that names what is hidden, and by days."""

COMPARED = [
    (face, caller)
    for face, caller in ROUTES
    if caller == "nobody" or (caller == "outside the channel" and FACES[face].is_served)
]
"""Ways on which all questions are asked before and after there is something hidden."""
