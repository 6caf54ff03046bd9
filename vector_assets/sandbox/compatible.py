"""Servers that speak OpenAI's embeddings API, each in the way that its own documents describe.

None reads token ids. Vectors are those of `sandbox.openai`, cut to the model's length.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.openai import embed

DIMENSIONS = 384

Body = Mapping[str, Any]
Complaint = tuple[int, Any]


@dataclass(frozen=True)
class Server:
    """One kind of server.

    Attributes:
        path: Of its embeddings, below `/compatible/{name}`.
        complaint: Returns status and body for a request that it refuses, or None.
        as_base64: Whether it can answer base64; one that cannot answers lists.
        is_empty_for_base64: Whether it answers base64 with no vectors, and no error.
        parameters: That the query must hold.
    """

    path: str
    complaint: Callable[[Body], Complaint | None]
    as_base64: bool = True
    is_empty_for_base64: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)


def routes() -> list[BaseRoute]:
    """Return the routes of all servers; nothing else below them exists."""
    return [
        Route(f"/{name}{server.path}", _embeddings(server), methods=["POST"])
        for name, server in SERVERS.items()
    ]


def _embeddings(server: Server) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        body = json.loads(await request.body())
        if dict(request.query_params) != server.parameters:
            return JSONResponse({"error": {"code": "404", "message": "Resource not found"}}, 404)
        if any(not isinstance(text, str) for text in body["input"]):
            return JSONResponse({"error": {"message": "input must be strings"}}, 422)
        complaint = server.complaint(body)
        if complaint is not None:
            return JSONResponse(complaint[1], complaint[0])
        return JSONResponse(_answered(server, body))

    return answer


def _answered(server: Server, body: Body) -> dict[str, Any]:
    asks_base64 = body.get("encoding_format") == "base64"
    data: list[dict[str, Any]] = []
    if not (asks_base64 and server.is_empty_for_base64):
        vectors = embed(body["input"], body.get("dimensions") or DIMENSIONS)
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(vector.tobytes()).decode()
                if asks_base64 and server.as_base64
                else vector.tolist(),
            }
            for index, vector in enumerate(vectors)
        ]
    return {"object": "list", "model": body["model"], "data": data}


def _ollama(body: Body) -> Complaint | None:
    if body["model"] != "nomic-embed-text":
        message = f'model "{body["model"]}" not found, try pulling it first'
        return 404, {"error": {"message": message, "type": "api_error", "code": None}}
    return None


def _vllm(body: Body) -> Complaint | None:
    message = ""
    if body.get("encoding_format") == "base64":
        message = "base64 encoding is not currently supported"
    elif "dimensions" in body:
        message = (
            f'Model "{body["model"]}" does not support matryoshka representation, changing output '
            f"dimensions will lead to poor results."
        )
    return (400, _vllm_error(message)) if message else None


def _vllm_error(message: str) -> dict[str, Any]:
    return {"object": "error", "message": message, "type": "BadRequestError", "code": 400}


def _new_vllm(body: Body) -> Complaint | None:
    complaint = _vllm({**body, "encoding_format": "float"})
    return None if complaint is None else (400, {"error": complaint[1]})


def _litellm(body: Body) -> Complaint | None:
    given = {name: body[name] for name in ("encoding_format", "dimensions") if name in body}
    if not given:
        return None
    message = (
        f"litellm.UnsupportedParamsError: vertex_ai does not support parameters: {given}, for "
        f"model={body['model']}. To drop these, set `litellm.drop_params=True`"
    )
    return 400, {"error": {"message": message, "type": "None", "param": "None", "code": "400"}}


def _azure(body: Body) -> Complaint | None:
    if len(body["input"]) > MOST_OF_AZURE:
        message = f"Too many inputs. The max number of inputs is {MOST_OF_AZURE}."
        return 400, {"error": {"message": message, "type": "invalid_request_error", "code": None}}
    return None


def _tei(body: Body) -> Complaint | None:
    count, most = len(body["input"]), MOST_OF_TEI
    message = f"batch size {count} > maximum allowed batch size {most}" if count > most else ""
    longest = max(len(text.split()) for text in body["input"])
    if longest > MOST_WORDS:
        message = f"`inputs` must have less than {MOST_WORDS} tokens. Given: {longest}"
    return (413, {"message": message, "code": 413, "type": "Validation"}) if message else None


def _new_tei(body: Body) -> Complaint | None:
    complaint = _tei(body)
    return None if complaint is None else (422, {"error": complaint[1]["message"]})


def _llama_cpp(body: Body) -> Complaint | None:
    longest = max(len(text.split()) for text in body["input"])
    if longest > MOST_WORDS:
        message = (
            f"input ({longest} tokens) is too large to process. increase the physical batch size "
            f"(current batch size: {MOST_WORDS})"
        )
        return 500, {"error": {"code": 500, "message": message, "type": "server_error"}}
    return None


def _small_server(body: Body) -> Complaint | None:
    return (
        (500, {"detail": "Internal Server Error"}) if len(body["input"]) > MOST_OF_SMALL else None
    )


def _fails_for_base64(body: Body) -> Complaint | None:
    is_read = body.get("encoding_format") != "base64"
    return None if is_read else (500, {"detail": "Internal Server Error"})


def _fastapi(body: Body) -> Complaint | None:
    if len(body["input"]) > MOST_OF_SMALL:
        detail = {"loc": ["body", "input"], "msg": "List too long", "input": body["input"]}
        return 422, {"detail": [detail]}
    return None


MOST_OF_AZURE = 2048
MOST_OF_TEI = 32
MOST_OF_SMALL = 7
MOST_WORDS = 512

SERVERS: dict[str, Server] = {
    "ollama": Server("/v1/embeddings", _ollama, as_base64=False),
    "vllm": Server("/v1/embeddings", _new_vllm),
    "vllm-0.4": Server("/v1/embeddings", _vllm),
    "litellm": Server("/v1/embeddings", _litellm),
    "litellm-below-a-path": Server("/proxy/litellm/v1/embeddings", _litellm),
    "azure": Server("/openai/v1/embeddings", _azure),
    "azure-preview": Server("/openai/v1/embeddings", _azure, parameters={"api-version": "preview"}),
    "tei": Server("/v1/embeddings", _tei),
    "tei-1.8": Server("/v1/embeddings", _new_tei),
    "llama.cpp": Server("/v1/embeddings", _llama_cpp),
    "empty-for-base64": Server("/v1/embeddings", lambda _: None, is_empty_for_base64=True),
    "refuses-many-and-is-empty-for-base64": Server(
        "/v1/embeddings", _fastapi, is_empty_for_base64=True
    ),
    "fails-for-base64": Server("/v1/embeddings", _fails_for_base64),
    "fails-at-many": Server("/v1/embeddings", _small_server),
    "refuses-many": Server("/v1/embeddings", _fastapi),
    "without-v1": Server("/embeddings", lambda _: None),
}
"""By name. Read on 2026-11-29: docs.vllm.ai/en/latest/serving/openai_compatible_server,
github.com/vllm-project/vllm/issues/15465 and /pull/16331; docs.ollama.com/api/openai-compatibility;
docs.litellm.ai/docs/embedding/supported_embedding, github.com/BerriAI/litellm/issues/33173;
learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle; huggingface.co/docs/
text-embeddings-inference/cli_arguments; github.com/ggml-org/llama.cpp/tree/master/tools/server and
/pull/7389."""
