"""What has changed about the tools, told to every client: encoded once, and to one that reads slowly once it can."""

from __future__ import annotations

from unittest.mock import patch

import hub_peer
from harness import Harness
from hub_peer import eventually, peers

from hub.socket.connection import Connection
from hub.socket.frames import Frame

server, in_memory = hub_peer.server, hub_peer.in_memory


async def test_what_has_changed_is_encoded_once_for_all_clients(server: Harness) -> None:
    sent: list[Frame] = []
    send = Connection.send

    def noted(self: Connection, frame: Frame) -> None:
        sent.append(frame)
        send(self, frame)

    async with peers(server.url, 3) as all_of_them:
        for peer in all_of_them:
            await eventually(lambda peer=peer: bool(peer.named("user_state")), "what is told on connect")  # type: ignore[misc]  # mypy infers no lambda with a default
        with patch.object(Connection, "send", noted):
            server.hub.tool_feed.on_change("smash")
            server.hub.tool_feed.on_change("look")
            for peer in all_of_them:
                await eventually(lambda peer=peer: bool(peer.named("tools")), "what has changed")  # type: ignore[misc]  # mypy infers no lambda with a default
        assert [peer.named("tools") for peer in all_of_them] == [[{"changed": ["look", "smash"]}]] * 3
    told = [frame for frame in sent if '"tools"' in frame.text]
    assert len(told) == 3
    assert len({id(frame) for frame in told}) == 1, "one frame"
