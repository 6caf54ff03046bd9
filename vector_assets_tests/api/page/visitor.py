"""A browser without a window: keeps cookies, reads pages as HTML, sends forms as they stand."""

import re
from html.parser import HTMLParser

import requests

_TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


class Page:
    """An answer, as a browser would take it apart."""

    def __init__(self, answer: requests.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self.html = answer.text
        parser = _Elements()
        parser.feed(answer.text)
        self._elements = parser.elements
        self.text = " ".join("".join(parser.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of each element of a tag."""
        return [attributes for name, attributes in self._elements if name == tag]

    def tags(self) -> set[str]:
        return {name for name, _ in self._elements}

    def token(self) -> str:
        return _TOKEN.findall(self.html)[0]


class Visitor:
    """Somebody with a browser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.browser = requests.Session()

    def get(self, path: str, *, follow: bool = True, **params: object) -> Page:
        return Page(
            self.browser.get(
                f"{self.url}{path}", params=params, timeout=60, allow_redirects=follow  # type: ignore[arg-type]
            )
        )  # fmt: skip

    def post(
        self, path: str, fields: dict[str, str], *, follow: bool = True, **headers: str
    ) -> Page:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return Page(
            self.browser.post(
                f"{self.url}{path}", data=fields, headers=sent, timeout=60, allow_redirects=follow
            )
        )

    def sign_in(
        self, key: str, viewer: str = "", wanted: str = "./", *, follow: bool = True
    ) -> Page:
        """Fill in the form and send it."""
        token = self.get("/sign-in", next=wanted).token()
        fields = {"token": token, "key": key, "viewer": viewer, "next": wanted}
        return self.post("/sign-in", fields, follow=follow)
