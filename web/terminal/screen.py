"""A session in a terminal, printed as it goes. Never talks to the hub and never decides anything."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from hub.client.wire import Json, SessionEvent

LINE_CHARS = 300
"""Arguments and the first line of a result are cut to this: they may hold whole files."""


class Screen:
    """What streams is written piece by piece, everything else in whole lines."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or _to_stdout
        self._streaming: str | None = None

    def note(self, text: str) -> None:
        self._end_line()
        self._write(f"· {text}\n")

    def transcript(self, snapshot: Json) -> None:
        for message in snapshot["messages"]:
            self._message(message)
        for approval in snapshot["approvals"]:
            self.asked(approval)

    def event(self, event: SessionEvent) -> None:
        data = event["data"]
        match event["type"]:
            case "message.created":
                self._message(data["message"])
            case "message.delta":
                self._stream(data["messageId"], data["delta"])
            case "message.completed":
                self._completed(data["message"])
            case "context.state_changed" if data["state"]["name"] == "awaiting_llm":
                self.note("waiting for the model …")
            case "approval.requested":
                self.asked(data["approval"])
            case "approval.resolved":
                self.note(f"{data['approval']['state']}: {_subject(data['approval'])}")
            case "run.finished" if data["run"]["state"] == "cancelled":
                self.note("stopped")
            case "run.finished" if data["run"]["state"] != "completed":
                self.note(f"run {data['run']['state']}: {data['run']['reason']}")
            case _:
                pass

    def asked(self, approval: Json) -> None:
        """What the user is asked, and how to answer."""
        if approval["kind"] == "tool":
            always = ", /allow! (for the session)" if approval["grantable"] else ""
            self.note(f"waits for your approval: {_subject(approval)} — /allow{always}, /deny [reason]")
            return
        options = f" [{' / '.join(approval['options'])}]" if approval["options"] else ""
        self.note(f"asks: {_subject(approval)}{options} — write your answer, or /deny [reason]")

    def _message(self, message: Json) -> None:
        payload = message.get("payload") or {}
        match message["kind"]:
            case "tool_request" | "mcp_tool_request" if payload:
                for call in payload["calls"]:
                    self.note(f"calls {_call(call['name'], call['arguments'])}")
            case "tool_result" | "mcp_tool_result" if payload:
                self.note(_result(payload))
            case _:
                self._said(message)

    def _said(self, message: Json) -> None:
        self._end_line()
        if message["status"] == "streaming":
            self._streaming = message["id"]
            self._write(f"{message['author']}: {message['content']}")
        else:
            self._write(f"{message['author']}: {message['content']}\n")

    def _stream(self, message_id: str, delta: str) -> None:
        self._streaming = message_id
        self._write(delta)

    def _completed(self, message: Json) -> None:
        self._end_line()
        # A cancelled reply is followed by the end of its run, which says it.
        if message["status"] not in ("complete", "cancelled"):
            self.note(f"this reply is {message['status']}")

    def _end_line(self) -> None:
        if self._streaming is not None:
            self._streaming = None
            self._write("\n")


def _subject(approval: Json) -> str:
    if approval["kind"] == "tool":
        return _call(approval["tool"], approval["arguments"])
    return str(approval["question"])


def _call(name: str, arguments: Json | None) -> str:
    return f"{name} {_brief(json.dumps(arguments or {}, ensure_ascii=False))}"


def _result(payload: Json) -> str:
    text = payload["output"].strip() or payload["error"] or ""
    first = _brief(text.partition("\n")[0])
    return f"{payload['name']}: {payload['status']}{', ' if first else ''}{first}"


def _brief(text: str) -> str:
    return text if len(text) <= LINE_CHARS else f"{text[:LINE_CHARS]}…"


def _to_stdout(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read it (`| head`) has gone; the interpreter would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
