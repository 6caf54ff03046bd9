"""Benchmarks that read the code's inner parts still run; their figures are not judged here."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="the extra `local` is not installed")
def test_the_benchmark_of_the_local_model_compares_it_with_the_bare_model(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "benchmarks" / "local_model.py",
            tmp_path / "no-workspace",
            "--texts",
            "8",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "ours to the model's best: " in done.stdout, done.stderr
