"""The Python client: `from hub.client import HubClient`."""

from hub.client.errors import CallError, CallFailed, ConnectionLost, NoAnswer
from hub.client.hub_client import HubClient
from hub.client.session_view import SessionView

__all__ = ["CallError", "CallFailed", "ConnectionLost", "HubClient", "NoAnswer", "SessionView"]
