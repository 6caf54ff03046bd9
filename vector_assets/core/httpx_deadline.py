"""Bounds the time of requests with `httpx` as a whole."""

import httpx

from vector_assets.core import http_deadline
from vector_assets.core.deadline import within


class BoundedTransport(httpx.HTTPTransport):
    """An `httpx` transport that reads each answer completely, within `REQUEST_SECONDS`."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return an answer with its complete body.

        Raises:
            httpx.ReadTimeout: It takes longer.
        """

        def send() -> httpx.Response:
            response = super(BoundedTransport, self).handle_request(request)
            response.read()
            return response

        try:
            return within(http_deadline.REQUEST_SECONDS, send)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error), request=request) from error
