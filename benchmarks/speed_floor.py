"""The floor: the fewest requests that bring the same text to the same index.

It reads threads by their replies and pages by the children of their blocks, and sends texts and
vectors in the largest batches that the vendors accept, with 16 requests in flight. It does not
chunk by meaning, compare, check or resume.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import orjson

IN_FLIGHT = 16
PASSAGE_CHARACTERS = 2_200
BATCH_CHARACTERS = 900_000
BATCH_RECORDS = 100
FIREFLIES = """query($from: DateTime, $skip: Int) { transcripts(fromDate: $from, limit: 50,
 skip: $skip) { id title sentences { speaker_name text } summary { overview action_items } } }"""


class Floor:
    """One run.

    Args:
        environment: Environment of the sandbox.
        days: Number of days, the last of them yesterday.
    """

    def __init__(self, environment: dict[str, str], days: int) -> None:
        self._at = environment
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._since = midnight - timedelta(days=days)
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._client = httpx.AsyncClient(
            timeout=120,
            # The server closes a connection that was idle for five seconds, at times while it is
            # asked again.
            limits=httpx.Limits(max_connections=IN_FLIGHT, keepalive_expiry=2),
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._passages: list[tuple[str, str]] = []
        self._characters = 0

    async def run(self) -> None:
        """Read everything, embed it and write it."""
        sources = (self._jira(), self._slack(), self._notion(), self._fireflies())
        await asyncio.gather(*sources)
        self._flush()
        while self._tasks:
            tasks, self._tasks = self._tasks, []
            await asyncio.gather(*tasks)
        await self._client.aclose()

    async def _request(self, method: str, url: str, **more: Any) -> Any:
        async with self._slots:
            response = await self._client.request(method, url, **more)
        response.raise_for_status()
        return orjson.loads(response.content)

    def _add(self, identity: str, text: str) -> None:
        """Buffer a document's text; embed when the buffer fills a request."""
        for n, at in enumerate(range(0, max(1, len(text)), PASSAGE_CHARACTERS)):
            passage = text[at : at + PASSAGE_CHARACTERS]
            self._passages.append((f"{identity}#{n}", passage))
            self._characters += len(passage)
        if self._characters >= BATCH_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        passages, self._passages, self._characters = self._passages, [], 0
        if passages:
            self._tasks.append(asyncio.create_task(self._embed(passages)))

    async def _embed(self, passages: list[tuple[str, str]]) -> None:
        answer = await self._request(
            "POST",
            f"{self._at['OPENAI_BASE_URL']}/embeddings",
            headers={"Authorization": f"Bearer {self._at['OPENAI_API_KEY']}"},
            json={
                "model": "text-embedding-3-small",
                "input": [text for _, text in passages],
                "encoding_format": "base64",
            },
        )
        vectors = [np.frombuffer(base64.b64decode(item["embedding"]), "<f4")
                   for item in answer["data"]]  # fmt: skip
        for at in range(0, len(passages), BATCH_RECORDS):
            records = [
                {"_id": identity, "vector": vector, "text": text}
                for (identity, text), vector in zip(
                    passages[at : at + BATCH_RECORDS], vectors[at : at + BATCH_RECORDS], strict=True
                )
            ]
            self._tasks.append(asyncio.create_task(self._upsert(records)))

    async def _upsert(self, records: list[dict[str, Any]]) -> None:
        await self._request(
            "POST",
            f"{self._at['PINECONE_HOST']}/namespaces/floor/documents/upsert",
            headers={"Api-Key": self._at["PINECONE_API_KEY"]},
            content=orjson.dumps({"documents": records}, option=orjson.OPT_SERIALIZE_NUMPY),
        )

    async def _jira(self) -> None:
        sign = base64.b64encode(
            f"{self._at['JIRA_EMAIL']}:{self._at['JIRA_API_TOKEN']}".encode()
        ).decode()
        params: dict[str, Any] = {
            "jql": f"updated >= {int(self._since.timestamp() * 1000)} ORDER BY updated ASC",
            "fields": ["summary", "description", "comment", "updated"],
            "maxResults": 100,
        }
        while True:
            page = await self._request(
                "POST",
                f"{self._at['JIRA_SERVER']}/rest/api/3/search/jql",
                headers={"Authorization": f"Basic {sign}"},
                json=params,
            )
            for issue in page["issues"]:
                self._add(f"jira:{issue['id']}", " ".join(words(issue["fields"])))
            if page["isLast"]:
                return
            params["nextPageToken"] = page["nextPageToken"]

    async def _slack(self) -> None:
        channels = (await self._slack_call("conversations.list", limit=999))["channels"]
        await asyncio.gather(*(self._channel(channel["id"]) for channel in channels))

    async def _channel(self, channel: str) -> None:
        pages = self._slack_pages(
            "conversations.history", channel=channel, oldest=self._since.timestamp()
        )
        days: dict[str, list[str]] = {}
        threads: list[Awaitable[None]] = []
        async for page in pages:
            for message in page:
                if message.get("reply_count"):
                    threads.append(asyncio.ensure_future(self._thread(channel, message["ts"])))
                else:
                    day = datetime.fromtimestamp(float(message["ts"]), UTC).date().isoformat()
                    days.setdefault(day, []).append(message["text"])
        for day, texts in days.items():
            self._add(f"slack:{channel}:{day}", " ".join(texts))
        await asyncio.gather(*threads)

    async def _thread(self, channel: str, ts: str) -> None:
        texts: list[str] = []
        async for page in self._slack_pages("conversations.replies", channel=channel, ts=ts):
            texts += [message["text"] for message in page]
        self._add(f"slack:{channel}:{ts}", " ".join(texts))

    async def _slack_pages(self, method: str, **params: Any) -> AsyncIterator[list[Any]]:
        while True:
            answer = await self._slack_call(method, limit=999, **params)
            yield answer["messages"]
            if not (cursor := answer["response_metadata"]["next_cursor"]):
                return
            params["cursor"] = cursor

    async def _slack_call(self, method: str, **params: Any) -> Any:
        return await self._request(
            "GET",
            f"{self._at['SLACK_BASE_URL']}{method}",
            params=params,
            headers={"Authorization": f"Bearer {self._at['SLACK_BOT_TOKEN']}"},
        )

    async def _notion(self) -> None:
        params: dict[str, Any] = {
            "filter": {"property": "object", "value": "page"},
            "sort": {"timestamp": "last_edited_time", "direction": "descending"},
            "page_size": 100,
        }
        pages: list[Awaitable[None]] = []
        while True:
            listed = await self._request(
                "POST", f"{self._at['NOTION_BASE_URL']}/v1/search", headers=self._notion_headers,
                json=params,
            )  # fmt: skip
            pages += [asyncio.ensure_future(self._page(page["id"])) for page in listed["results"]]
            if not listed["has_more"]:
                break
            params["start_cursor"] = listed["next_cursor"]
        await asyncio.gather(*pages)

    async def _page(self, page_id: str) -> None:
        self._add(f"notion:{page_id}", " ".join(await self._blocks(page_id)))

    async def _blocks(self, block_id: str) -> list[str]:
        url = f"{self._at['NOTION_BASE_URL']}/v1/blocks/{block_id}/children"
        listed = await self._request(
            "GET", url, params={"page_size": 100}, headers=self._notion_headers
        )
        blocks = listed["results"]
        below = await asyncio.gather(
            *(self._blocks(block["id"]) for block in blocks if block["has_children"])
        )
        return [*words(blocks), *(text for texts in below for text in texts)]

    @property
    def _notion_headers(self) -> dict[str, str]:
        token = self._at["NOTION_TOKEN"]
        return {"Authorization": f"Bearer {token}", "Notion-Version": "2025-09-03"}

    async def _fireflies(self) -> None:
        skip = 0
        while True:
            answer = await self._request(
                "POST",
                self._at["FIREFLIES_URL"],
                headers={"Authorization": f"Bearer {self._at['FIREFLIES_API_KEY']}"},
                json={
                    "query": FIREFLIES,
                    "variables": {"from": self._since.isoformat(), "skip": skip},
                },
            )
            meetings = answer["data"]["transcripts"]
            for meeting in meetings:
                said = " ".join(sentence["text"] for sentence in meeting["sentences"])
                self._add(f"fireflies:{meeting['id']}", said)
            if len(meetings) < 50:
                return
            skip += 50


def words(value: Any) -> list[str]:
    """Return all texts within JSON."""
    if isinstance(value, dict):
        texts = [value["text"]] if isinstance(value.get("text"), str) else []
        return texts + [text for inner in value.values() for text in words(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in words(inner)]
    return []


def main(days: int) -> Callable[[], None]:
    """Return the run, ready to be timed."""
    environment = dict(os.environ)

    def run() -> None:
        asyncio.run(_run(environment, days))

    return run


async def _run(environment: dict[str, str], days: int) -> None:
    await Floor(environment, days).run()
