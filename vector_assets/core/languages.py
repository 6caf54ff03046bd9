"""Languages whose endings search by words can remove, as LanceDB and Pinecone name them."""

from typing import Annotated

from pydantic import BeforeValidator

CODES = {
    "arabic": "ar",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "greek": "el",
    "hungarian": "hu",
    "italian": "it",
    "norwegian": "no",
    "portuguese": "pt",
    "romanian": "ro",
    "russian": "ru",
    "spanish": "es",
    "swedish": "sv",
    "tamil": "ta",
    "turkish": "tr",
}
"""ISO 639-1 codes by name."""

ENGLISH = "english"

NONE = "none"
"""No endings are removed: for a language that has none, or for many languages at once."""


def known_language(named: object) -> str:
    """Return the name of a language that is given by its name or code; empty is English.

    Raises:
        ValueError: It is none of these.
    """
    name = str(named).strip().lower() or ENGLISH
    name = next((language for language, code in CODES.items() if code == name), name)
    if name not in CODES and name != NONE:
        raise ValueError(f"{named!r} is not known: choose from {', '.join(CODES)}, or {NONE}")
    return name


TextLanguage = Annotated[str, BeforeValidator(known_language)]
