"""The questions of the nightly examination, asked of both generations before the switch."""

from collections.abc import Sequence

from vector_assets.core.errors import FatalError, SettingsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.base import Embedder
from vector_assets.index import targets
from vector_assets.index.ledger import Ledger
from vector_assets.index.spec import IndexSpec
from vector_assets.maintenance.quality.compare import Side, compare
from vector_assets.maintenance.quality.judge import MIN_PAIRS


def embedder_of(spec: IndexSpec, settings: Settings, meter: Meter) -> Embedder | None:
    """Return the model of the old generation; None when it cannot be used any more."""
    try:
        embedder = targets.embedder_of(spec, settings, meter)
    except SettingsError:
        return None
    mine = IndexSpec.of(embedder)
    is_same = (mine.provider, mine.model, mine.dimensions) == (
        spec.provider,
        spec.model,
        spec.dimensions,
    )
    return embedder if is_same else None


def require_not_worse(
    old: Side,
    new: Side,
    ledger: Ledger,
    namespaces: Sequence[str],
    *,
    accepts_worse: bool = False,
) -> str:
    """Return in a sentence how both answered.

    Raises:
        FatalError: The new one is significantly worse.
        RetryableError: One of them cannot be asked.
    """
    comparisons = compare(old, new, ledger, namespaces)
    answers = comparisons[0]
    if len(answers.pairs) < MIN_PAIRS:
        return (
            f"not compared by questions: {len(answers.pairs)} could be asked of both indexes, "
            f"at least {MIN_PAIRS} are wanted"
        )
    worse = [comparison for comparison in comparisons if comparison.is_worse]
    if worse and not accepts_worse:
        raise FatalError(
            f"the new index answers worse than the live one. {'; '.join(map(str, worse))}. "
            f"Nothing was switched, and what was filled stays. Set back what was changed, or look "
            f"for what has gone wrong and run `vector-assets reindex` again; to switch all the "
            f"same, add --accept-worse"
        )
    figures = f"mean reciprocal rank {answers.before:.2f} before, {answers.now:.2f} now"
    accepted = ", accepted though it is worse" if worse else ""
    return f"{len(answers.pairs)} questions asked of both indexes: {figures}{accepted}"
