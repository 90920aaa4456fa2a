"""The Python client: `from hub.client import HubClient`."""

from hub.client.hub_client import HubClient

__all__ = ["HubClient"]
