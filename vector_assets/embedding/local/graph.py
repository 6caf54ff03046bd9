"""The model's computation as an ONNX graph around its published weights.

The package of the weights holds no graph, and exports of others differ from it in the fourth digit.
Operators of `com.microsoft` are onnxruntime's own, fused for transformers
(https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md, 2026-11-29).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from safetensors.numpy import load_file

IDS, MASK, TOKENS = "ids", "mask", "tokens"
"""Inputs and output: int32 of shape `(texts, width)`, twice, and float32 of
`(texts, width, dimensions)`."""

_FUSED = "com.microsoft"
_BESIDE = "weights"
"""Where the graph says that its weights are: not in it, so that none of the 90 MB is copied into it
and out of it again, which took three quarters of the time of loading the model."""

_OPSETS = (("", 17), (_FUSED, 1))
_IR_VERSION = 8

Weights = Mapping[str, NDArray[np.float32]]


def model_graph(folder: Path) -> tuple[bytes, Weights]:
    """Return the graph, serialized, and its weights by name, which a session is given beside it.

    Args:
        folder: Holds `config.json` and `model.safetensors` of a BERT model.
    """
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    graph = _Graph(load_file(folder / "model.safetensors"), config)
    graph.add_embeddings()
    for layer in range(config["num_hidden_layers"]):
        graph.add_layer(layer)
    return graph.serialized(config["hidden_size"]), graph.constants


class _Graph:
    """Nodes and weights, added in the order of the computation."""

    def __init__(self, weights: Weights, config: Mapping[str, Any]) -> None:
        self._weights = weights
        self._heads = config["num_attention_heads"]
        self._epsilon = config["layer_norm_eps"]
        self._nodes: list[NodeProto] = []
        self.constants: dict[str, NDArray[np.float32]] = {}
        self._last = ""

    def add_embeddings(self) -> None:
        """Add the sum of the embeddings of words and places, normalized."""
        # All texts are of type 0, whose embedding is thereby a constant.
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        places = self._constant(
            "places", self._weights["embeddings.position_embeddings.weight"] + kind
        )
        words = self._constant("words", self._weights["embeddings.word_embeddings.weight"])
        norm = self._norm("embeddings.LayerNorm")
        self._last = self._add(
            "EmbedLayerNormalization",
            [IDS, "", words, places, "", *norm],
            outputs=["embeddings", "unused_mask_index"],
            epsilon=self._epsilon,
        )

    def add_layer(self, number: int) -> None:
        """Add attention and the network behind it, each with its residual."""
        name = f"encoder.layer.{number}"
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        projections = np.concatenate([self._weights[f"{part}.weight"].T for part in parts], axis=1)
        biases = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        attended = self._add(
            "Attention",
            [
                self._last,
                self._constant(f"{name}.projections", projections),
                self._constant(f"{name}.biases", biases),
                MASK,
            ],
            num_heads=self._heads,
        )
        middle = self._residual(f"{name}.attention.output", attended, self._last)
        hidden = self._add(
            "BiasGelu",
            [
                self._product(middle, f"{name}.intermediate.dense"),
                self._named(f"{name}.intermediate.dense.bias"),
            ],
        )
        self._last = self._residual(f"{name}.output", hidden, middle)

    def serialized(self, dimensions: int) -> bytes:
        """Return the whole model without the values of its constants."""
        self._nodes.append(helper.make_node("Identity", [self._last], [TOKENS]))
        shape: list[str | int] = ["texts", "width"]
        graph = helper.make_graph(
            self._nodes,
            "model",
            [helper.make_tensor_value_info(name, TensorProto.INT32, shape) for name in (IDS, MASK)],
            [helper.make_tensor_value_info(TOKENS, TensorProto.FLOAT, [*shape, dimensions])],
            [_place_of(name, values) for name, values in self.constants.items()],
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        return bytes(model.SerializeToString())

    def _residual(self, name: str, value: str, before: str) -> str:
        """Add a dense layer, whose result is added to what was before and normalized."""
        return self._add(
            "SkipLayerNormalization",
            [
                self._product(value, f"{name}.dense"),
                before,
                *self._norm(f"{name}.LayerNorm"),
                self._named(f"{name}.dense.bias"),
            ],
            epsilon=self._epsilon,
        )

    def _product(self, value: str, name: str) -> str:
        weight = self._constant(f"{name}.weight", self._weights[f"{name}.weight"].T)
        return self._add("MatMul", [value, weight], domain="")

    def _norm(self, name: str) -> tuple[str, str]:
        return self._named(f"{name}.weight"), self._named(f"{name}.bias")

    def _named(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, values: NDArray[np.float32]) -> str:
        self.constants[name] = np.ascontiguousarray(values)
        return name

    def _add(
        self,
        operator: str,
        inputs: Sequence[str],
        *,
        outputs: Sequence[str] = (),
        domain: str = _FUSED,
        **attributes: Any,
    ) -> str:
        names = list(outputs) or [f"{operator}.{len(self._nodes)}"]
        self._nodes.append(
            helper.make_node(operator, list(inputs), names, domain=domain, **attributes)
        )
        return names[0]


def _place_of(name: str, values: NDArray[np.float32]) -> TensorProto:
    """Return a constant's name and shape, and that its values are elsewhere."""
    tensor = TensorProto(
        name=name,
        data_type=TensorProto.FLOAT,
        dims=values.shape,
        data_location=TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value=_BESIDE)
    return tensor
