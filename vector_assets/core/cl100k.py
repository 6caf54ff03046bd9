"""Counts tokens of cl100k, the vocabulary of all of OpenAI's embedding models.

The vocabulary comes with a Python package: nothing is fetched at run time.
"""

import sys
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=1)
def token_counter() -> Callable[[str], int]:
    """Return what counts a text's tokens as OpenAI bills them.

    Names of special tokens are plain text. The vocabulary takes 30 to 95 MiB: ask for it only when
    something is to be counted.
    """
    return _from_rs_bpe() if sys.version_info < (3, 14) else _from_bpe_openai()


def _from_rs_bpe() -> Callable[[str], int]:
    from rs_bpe.bpe import openai

    count: Callable[[str], int] = openai.cl100k_base().count
    return count


def _from_bpe_openai() -> Callable[[str], int]:
    # The same Rust code in wheels for any Python. Its public class refuses texts of a million
    # characters and holds the vocabulary a second time, so this takes the binding beneath it.
    from bpe_openai import _bindings

    count: Callable[[str], int] = _bindings.tokenizer_for_encoding("cl100k_base").count
    return count
