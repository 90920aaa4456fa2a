"""What the Python client raises beside TimeoutError. Never raises anything itself.

ClientError
├── CallFailed       the server refused
└── ConnectionLost   no answer: it may or may not have been carried out
    └── NoAnswer     nothing came in time; the connection was given up
"""

from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """Base of all."""


class CallFailed(ClientError):
    """The server's refusal, as it came."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: str = error["code"]
        self.message: str = error["message"]
        self.retryable: bool = error["retryable"]
        self.details: dict[str, Any] = error.get("details", {})


class ConnectionLost(ClientError):
    """The call has no answer; it may or may not have been carried out."""

    retryable = True


class NoAnswer(ConnectionLost):
    """Nothing came in time; the connection was given up."""
