"""An index, served once; what was answered before it held anything restricted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets_tests.access.documents import CALLERS, DOCUMENTS, filled, write
from vector_assets_tests.access.faces import FACES, FIND, STDIO, Request, over_routes
from vector_assets_tests.access.questions import COMPARED, QUESTIONS
from vector_assets_tests.api.agents.desk import Desk, serving
from vector_assets_tests.support.patience import first_answer


@dataclass
class ServedIndex:
    """Where to ask.

    Attributes:
        before: By face and caller, the answers to `QUESTIONS` while all documents were public.
    """

    desk: Desk
    folder: Path
    before: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def ask(self, face: str, caller: str, asked: list[Request]) -> list[str]:
        """Return the answers of a face to a caller."""
        return FACES[face].ask(self.desk, self.folder, CALLERS[caller], asked)

    def shows_all(self) -> bool:
        """Tell whether the process that serves has seen what was written."""
        reader = CALLERS["in the channel"]
        [answer] = over_routes(self.desk, self.folder, reader, [Request(FIND, "crane report")])
        return all(each.id in answer for each in DOCUMENTS if reader.may_read(each))


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedIndex]:
    folder = tmp_path_factory.mktemp("served")
    with running_sandbox(Workspace()) as sandbox:
        desk = filled(sandbox, folder)
        with serving(desk, folder) as url:
            desk.url = url
            served = ServedIndex(desk, folder)
            for face, caller in COMPARED:
                served.before[face, caller] = served.ask(face, caller, QUESTIONS)
            write(desk.settings, [each for each in DOCUMENTS if each.kind != "open"])
            assert first_answer(served.shows_all)
            # A process that starts anew has no older copy of the index.
            STDIO.close()
            yield served
            STDIO.close()
