"""Finds which of many words stand in a text, in one pass over it."""

from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick, Implementation


class Words:
    """Words to look for, without regard to case; safe in several threads.

    Args:
        words: In lower case; white space and signs count as any other character.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._automaton = AhoCorasick(
            sorted(set(words)), implementation=Implementation.DFA, store_patterns=True
        )

    def standing_in(self, text: str) -> set[str]:
        """Return the words that stand in a text, inside other words as well."""
        lowered = text.lower()
        if not lowered.isascii():
            # Expressions match these two letters beyond ASCII where they look for `s` and `i`.
            lowered = lowered.replace("ſ", "s").replace("ı", "i")
            # The automaton takes no half of a surrogate pair.
            lowered = lowered.encode(errors="replace").decode()
        return set(self._automaton.find_matches_as_strings(lowered, overlapping=True))
