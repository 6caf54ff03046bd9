"""Pinecone on localhost: control plane, and both data planes under `/{index}`.

An index whose dense field is `_values` belongs to the Vectors API, any other to the Documents API,
as at the vendor. Writes become visible after `Faults.index_lag_seconds`; headers tell the log
positions.
"""

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.faults import LOSING, Faults
from vector_assets.sandbox.pinecone import documents_api, vectors_api
from vector_assets.sandbox.pinecone.filters import BadFilterError
from vector_assets.sandbox.pinecone.state import (
    MAX_REQUEST_BYTES,
    MAX_RESULT_BYTES,
    Index,
    Json,
    RefusedError,
)

_KEY = "sandbox-pinecone-key"
_DEPLOYMENT = {"deployment_type": "managed", "cloud": "aws", "region": "us-east-1"}

Handler = Callable[[Request], Awaitable[Response]]
Verb = Callable[[Index, Json], Json]

VERBS = (*vectors_api.VERBS, *documents_api.VERBS, vectors_api.STATS)
WRITES = {*vectors_api.WRITES, *documents_api.WRITES}
SEARCHES = {*vectors_api.SEARCHES, *documents_api.SEARCHES}
_OF_VECTORS = {verb for _, _, verb, _ in vectors_api.VERBS}
_OF_DOCUMENTS = {verb for _, _, verb, _ in documents_api.VERBS}


def routes(faults: Faults) -> list[BaseRoute]:
    """Return the routes."""
    indexes: dict[str, Index] = {}
    control = _Control(indexes, faults)
    return [
        Route("/indexes", _with_key(control.list), methods=["GET"]),
        Route("/indexes", _with_key(control.create), methods=["POST"]),
        Route("/indexes/{name}", _with_key(control.describe), methods=["GET"]),
        Route("/indexes/{name}", _with_key(control.delete), methods=["DELETE"]),
        *(
            Route(f"/{{index}}{path}", _data_plane(indexes, verb, status), methods=[method])
            for method, path, verb, status in VERBS
        ),
    ]


class _Control:
    def __init__(self, indexes: dict[str, Index], faults: Faults) -> None:
        self._indexes = indexes
        self._faults = faults

    async def list(self, request: Request) -> Response:
        return JSONResponse({"indexes": [_model(i, request) for i in self._indexes.values()]})

    async def create(self, request: Request) -> Response:
        params = orjson.loads(await request.body())
        name = params["name"]
        if name in self._indexes:
            return _refused(409, "ALREADY_EXISTS", f"Resource {name} already exists")
        self._indexes[name] = Index(name, params["schema"]["fields"], self._faults)
        return JSONResponse(_model(self._indexes[name], request), status_code=201)

    async def describe(self, request: Request) -> Response:
        index = self._indexes.get(name := request.path_params["name"])
        return _gone(name) if index is None else JSONResponse(_model(index, request))

    async def delete(self, request: Request) -> Response:
        index = self._indexes.pop(name := request.path_params["name"], None)
        return _gone(name) if index is None else Response(status_code=202)


def _data_plane(indexes: dict[str, Index], verb: Verb, status: int) -> Handler:
    async def serve(request: Request) -> Response:
        index = indexes.get(request.path_params["index"])
        if index is None:
            return _gone(request.path_params["index"])
        body = await request.body()
        if len(body) > MAX_REQUEST_BYTES:
            return _refused(413, "OUT_OF_RANGE", f"message of {len(body)} bytes is too large")
        try:
            params: Json = {**request.query_params, **(orjson.loads(body) if body else {})}
        except orjson.JSONDecodeError as error:
            return _refused(400, "INVALID_ARGUMENT", f"the body is not JSON: {error}")
        if ids := request.query_params.getlist("ids"):
            params["ids"] = ids
        given = request.path_params.get("namespace") or params.get("namespace")
        params["namespace"] = given or "__default__"
        index.is_losing = request.scope.get(LOSING, False)
        try:
            _check_api(index, verb)
            answer = verb(index, params)
        except (RefusedError, BadFilterError) as error:
            return _refused(400, "INVALID_ARGUMENT", str(error))
        finally:
            index.is_losing = False
        response = JSONResponse(answer, status_code=status)
        if verb in SEARCHES and len(response.body) > MAX_RESULT_BYTES:
            return _refused(400, "OUT_OF_RANGE", "the result exceeds the limit of 4MB")
        response.headers.update(_positions(index, verb, params["namespace"]))
        return response

    return _with_key(serve)


def _check_api(index: Index, verb: Verb) -> None:
    if verb in _OF_VECTORS and not index.is_vector_index:
        raise RefusedError("this index has a schema: use the documents API")
    if verb in _OF_DOCUMENTS and index.is_vector_index:
        raise RefusedError("this index has no schema: use the vectors API")


def _with_key(handler: Handler) -> Handler:
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
    if namespace is not None and verb in WRITES:
        return {"x-pinecone-request-lsn": str(namespace.committed)}
    if namespace is not None and verb in SEARCHES:
        return {"x-pinecone-max-indexed-lsn": str(namespace.reconciled)}
    return {}


def _model(index: Index, request: Request) -> Json:
    root = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
    return {
        "name": index.name,
        "host": f"{root}/{index.name}",
        "status": {"ready": index.is_ready, "state": "Ready" if index.is_ready else "Initializing"},
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
