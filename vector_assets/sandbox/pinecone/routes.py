"""Pinecone on localhost: control plane, and both data planes under `/{index}`.

An index whose dense field is `_values` belongs to the Vectors API, any other to the Documents API,
as at the vendor. Writes become visible after `Faults.index_lag_seconds`; headers tell the log
positions.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.faults import LOSING, Faults
from vector_assets.sandbox.pinecone import documents_api as pinecone_documents
from vector_assets.sandbox.pinecone import vectors_api as pinecone_vectors
from vector_assets.sandbox.pinecone.filters import BadFilterError
from vector_assets.sandbox.pinecone.state import (
    MAX_REQUEST_BYTES,
    MAX_RESULT_BYTES,
    Index,
    RefusedError,
)

_KEY = "sandbox-pinecone-key"
_DEPLOYMENT = {"deployment_type": "managed", "cloud": "aws", "region": "us-east-1"}

Json = dict[str, Any]
Verb = Callable[[Index, Json], Json]

VERBS = (*pinecone_vectors.VERBS, *pinecone_documents.VERBS)
WRITES = {*pinecone_vectors.WRITES, *pinecone_documents.WRITES}
SEARCHES = {*pinecone_vectors.SEARCHES, *pinecone_documents.SEARCHES}


def routes(faults: Faults) -> list[BaseRoute]:
    """Return the routes."""
    indexes: dict[str, Index] = {}
    control = _Control(indexes, faults)
    data = [
        Route(f"/{{index}}{path}", _data_plane(indexes, verb, status), methods=[method])
        for method, path, verb, status in VERBS
    ]
    return [
        Route("/indexes", _with_key(control.list), methods=["GET"]),
        Route("/indexes", _with_key(control.create), methods=["POST"]),
        Route("/indexes/{name}", _with_key(control.describe), methods=["GET"]),
        Route("/indexes/{name}", _with_key(control.delete), methods=["DELETE"]),
        *data,
    ]


class _Control:
    """The control plane."""

    def __init__(self, indexes: dict[str, Index], faults: Faults) -> None:
        self._indexes = indexes
        self._faults = faults

    async def list(self, request: Request) -> Response:
        models = [_model(index, request) for index in self._indexes.values()]
        return JSONResponse({"indexes": models})

    async def create(self, request: Request) -> Response:
        params = json.loads(await request.body())
        name = params["name"]
        if name in self._indexes:
            return _refused(409, "ALREADY_EXISTS", f"Resource {name} already exists")
        self._indexes[name] = Index(name, params["schema"]["fields"], self._faults)
        return JSONResponse(_model(self._indexes[name], request), status_code=201)

    async def describe(self, request: Request) -> Response:
        name = request.path_params["name"]
        index = self._indexes.get(name)
        return _gone(name) if index is None else JSONResponse(_model(index, request))

    async def delete(self, request: Request) -> Response:
        name = request.path_params["name"]
        index = self._indexes.pop(name, None)
        return _gone(name) if index is None else Response(status_code=202)


def _data_plane(
    indexes: dict[str, Index], verb: Verb, status: int
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        index = indexes.get(request.path_params["index"])
        if index is None:
            return _gone(request.path_params["index"])
        body = await request.body()
        if len(body) > MAX_REQUEST_BYTES:
            return _refused(413, "OUT_OF_RANGE", f"message of {len(body)} bytes is too large")
        params: Json = json.loads(body) if body else {}
        for name, value in request.query_params.multi_items():
            params.setdefault("ids", []).append(value) if name == "ids" else params.update(
                {name: value}
            )  # fmt: skip
        params |= {n: v for n, v in request.path_params.items() if n != "index"}
        index.is_losing = request.scope.get(LOSING, False)
        try:
            answer = verb(index, params)
        except (RefusedError, BadFilterError) as error:
            return _refused(400, "INVALID_ARGUMENT", str(error))
        finally:
            index.is_losing = False
        response = JSONResponse(answer, status_code=status)
        if verb in SEARCHES and len(response.body) > MAX_RESULT_BYTES:
            return _refused(400, "OUT_OF_RANGE", "the result exceeds the limit of 4MB")
        response.headers.update(_positions(index, verb, str(params.get("namespace", ""))))
        return response

    return _with_key(serve)


def _with_key(
    handler: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        if request.headers.get("api-key") != _KEY:
            return _refused(401, "UNAUTHENTICATED", "Invalid API Key")
        return await handler(request)

    return serve


def _positions(index: Index, verb: Verb, name: str) -> dict[str, str]:
    """Return the header with the log position of a write, or of the last write a search has seen.

    A fetch has neither header (docs.pinecone.io, "Check data freshness", 2026-11).
    """
    namespace = index.namespaces.get(name)
    if namespace is None:
        return {}
    if verb in WRITES:
        return {"x-pinecone-request-lsn": str(namespace.committed)}
    return {"x-pinecone-max-indexed-lsn": str(namespace.reconciled)} if verb in SEARCHES else {}


def _model(index: Index, request: Request) -> Json:
    root = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
    return {
        "name": index.name,
        "host": f"{root}/{index.name}",
        "status": {
            "ready": index.is_ready,
            "state": "Ready" if index.is_ready else "Initializing",
        },
        "schema": {"fields": index.fields},
        "deployment": _DEPLOYMENT,
        "deletion_protection": "disabled",
        "read_capacity": {"mode": "OnDemand", "status": {"state": "Ready"}},
        "tags": {},
    }


def _gone(name: str) -> Response:
    return _refused(404, "NOT_FOUND", f"Resource {name} not found")


def _refused(status: int, code: str, message: str) -> Response:
    return JSONResponse(
        {"error": {"code": code, "message": message}, "status": status}, status_code=status
    )
