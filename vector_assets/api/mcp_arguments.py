"""Arguments that several tools of the MCP server share."""

from datetime import date
from typing import Annotated

from pydantic import Field

MAX_ANSWERS = 50

ViewerName = Annotated[
    str, Field(description="E-mail of the person who asks, where the key may name one.")
]
FirstDay = Annotated[
    date | None, Field(description="Only what was active on this UTC day or later.")
]
EndDay = Annotated[date | None, Field(description="Only what was last active before this UTC day.")]
ContainerName = Annotated[str, Field(description="Only this project, channel or database.")]
WordForWord = Annotated[
    bool,
    Field(description="Take the question word for word, without reading times or names out of it."),
]
AnswerCount = Annotated[int, Field(ge=1, le=MAX_ANSWERS)]
