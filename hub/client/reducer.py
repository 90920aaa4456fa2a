"""The client's half of the state: folds events into a snapshot, both as JSON, as they travel.

An old snapshot with later events applied equals a fresh snapshot (I2), apart from `messages`, which may reach further
back, and `session.projectName`, which is the project's to change. The TypeScript client has the same rules.
"""

from __future__ import annotations

from typing import Any

from hub.client.wire import Json, SessionEvent


def apply_event(snapshot: Json, event: SessionEvent) -> Json:
    """The snapshot after `event`, whose seq must be head + 1. Unknown types move the head only. Nothing is mutated."""
    seq, at, kind, data = event["seq"], event["at"], event["type"], event["data"]
    session = {**snapshot["session"], "head": seq}
    if kind != "message.delta":
        session["updatedAtUtc"] = at
        session["version"] = data.get("version") or session["version"]
    after = {**snapshot, "head": seq, "session": session}
    match kind:
        case "message.delta":
            return _grown(after, data)
        case "message.created":
            return _created(after, data["message"])
        case "message.completed":
            return _completed(after, data["message"])
        case "message.updated":
            return {**after, "messages": _replaced(after["messages"], data["message"])}
        case "context.state_changed":
            name = data["state"]["name"]
            session |= {"archived": name == "archived", "waiting": _waits(session["state"], name)}
            return {**after, "state": data["state"]}
        case "context.model_changed":
            return {**after, "model": data["model"]}
        case "context.mode_changed":
            return {**after, "mode": data["mode"]}
        case "approval.requested":
            waiting = _run_in_state(after["run"], "awaiting_input")
            return {**after, "run": waiting, "approvals": [*after["approvals"], data["approval"]]}
        case "approval.resolved":
            return _answered(after, data["approval"])
        case "approval.revoked":
            return {**after, "grants": [grant for grant in after["grants"] if grant["tool"] != data["tool"]]}
        case "session.renamed":
            session["title"] = data["title"]
        case "session.state_changed":
            session |= {"state": data["state"], "completedAtUtc": data["completedAtUtc"]}
            session["waiting"] = _waits(data["state"], snapshot["state"]["name"])
        case "branch.created" | "branch.updated" | "branch.merged":
            return _branched(after, data)
        case "branch.switched":
            return _switched(after, data)
        case "pin.added":
            return _annotated(after, pins=[*after["pins"], data["pin"]])
        case "pin.removed":
            return _annotated(after, pins=[pin for pin in after["pins"] if pin["id"] != data["pinId"]])
        case "plan.changed":
            return _annotated(after, plan=data["items"])
        case "usage.added":
            return {**after, "usage": _more(after["usage"], data["usage"])}
        case "run.queued":
            return {**after, "queue": [*after["queue"], data["run"]]}
        case "run.started":
            return {**after, "run": data["run"], "queue": _without(after["queue"], data["run"])}
        case "run.finished":
            run = after["run"]
            still = run if run is not None and run["id"] != data["run"]["id"] else None
            return {**after, "run": still, "queue": _without(after["queue"], data["run"])}
        case _:
            pass
    return after


reduce = apply_event
"""Its name in 0.1.0."""


def _waits(session_state: str, name: str) -> bool:
    return session_state == "RUNNING" and name == "awaiting_user"


def _branched(snapshot: Json, data: Json) -> Json:
    """A branch is new or as it is now; what its path gained is shown when it is the active one. `hasMore`: too much to
    be listed, so what was shown is no longer next to it."""
    branch = data["branch"]
    names = {each["name"] for each in snapshot["branches"]}
    branches = [branch if each["name"] == branch["name"] else each for each in snapshot["branches"]]
    after = {**snapshot, "branches": branches if branch["name"] in names else [*branches, branch]}
    if branch["name"] != snapshot["activeBranch"]:
        return after
    gained = _found(snapshot, [entry["id"] for entry in data.get("messages", ())])
    kept = [] if data.get("hasMore") else snapshot["messages"]
    return _on_branch(after, branch, data, [*kept, *gained])


def _switched(snapshot: Json, data: Json) -> Json:
    branch = next(each for each in snapshot["branches"] if each["name"] == data["name"])
    after = {**snapshot, "activeBranch": data["name"]}
    return _on_branch(after, branch, data, _found(snapshot, data["messageIds"]))


def _on_branch(snapshot: Json, branch: Json, data: Json, messages: list[Json]) -> Json:
    """Pins and plan are in `data` when they may be others now."""
    session = snapshot["session"] | {"messageCount": branch["length"]}
    annotations: Json = {name: data[name] for name in ("pins", "plan") if name in data}
    return {**snapshot, **annotations, "session": session, "messages": messages}


def _annotated(snapshot: Json, **changed: Any) -> Json:
    """Pins or the plan of the active branch."""
    flags = {f"{name}Changed": True for name in changed}
    branches = [
        {**branch, **flags} if branch["name"] == snapshot["activeBranch"] else branch for branch in snapshot["branches"]
    ]
    return {**snapshot, **changed, "branches": branches}


def _found(snapshot: Json, ids: list[str]) -> list[Json]:
    """Messages by id; one that this client has not seen stands as `{id, truncated}` until it is pulled."""
    known = {message["id"]: message for message in snapshot["messages"]}
    return [known.get(message_id) or {"id": message_id, "truncated": True} for message_id in ids]


def _created(snapshot: Json, message: Json) -> Json:
    session = snapshot["session"] | {"messageCount": snapshot["session"]["messageCount"] + 1}
    branches = [
        {**branch, "length": branch["length"] + 1} if branch["name"] == snapshot["activeBranch"] else branch
        for branch in snapshot["branches"]
    ]
    return {**snapshot, "session": session, "branches": branches, "messages": [*snapshot["messages"], message]}


def _completed(snapshot: Json, message: Json) -> Json:
    usage = (message.get("payload") or {}).get("usage")
    total = snapshot["usage"] if usage is None else _more(snapshot["usage"], usage)
    return {**snapshot, "usage": total, "messages": _replaced(snapshot["messages"], message)}


def _more(total: Json, usage: Json) -> Json:
    return {
        "inputTokens": total["inputTokens"] + usage["inputTokens"],
        "outputTokens": total["outputTokens"] + usage["outputTokens"],
        "estimated": total["estimated"] or usage["estimated"],
    }


def _grown(snapshot: Json, delta: Json) -> Json:
    """One chunk more. A chunk that a pulled message already holds only moves the head; a message whose text could not
    travel stays without it until it is pulled."""
    state = {"name": "streaming_response", "messageId": delta["messageId"], "sequence": delta["sequence"]}
    messages = snapshot["messages"]
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message["id"] == delta["messageId"]:
            if delta["sequence"] > message["sequence"]:
                text = "" if message.get("truncated") else message["content"] + delta["delta"]
                messages = [*messages[:index], message | {"content": text, "sequence": delta["sequence"]}]
                messages += snapshot["messages"][index + 1 :]
            break
    return {**snapshot, "state": state, "messages": messages}


def _answered(snapshot: Json, approval: Json) -> Json:
    """One question less; the run goes on once none is left, and a tool allowed for the session is granted once."""
    left = [each for each in snapshot["approvals"] if each["id"] != approval["id"]]
    run, grants, tool = snapshot["run"], snapshot["grants"], approval["tool"]
    granted = approval["state"] == "approved" and approval["scope"] == "session" and tool is not None
    if granted and tool not in {grant["tool"] for grant in grants}:
        by, at = approval["decidedBy"], approval["decidedAtUtc"]
        grants = [*grants, {"tool": tool, "grantedBy": by, "grantedAtUtc": at}]
    run = run if left else _run_in_state(run, "running")
    return {**snapshot, "run": run, "approvals": left, "grants": grants}


def _run_in_state(run: Json | None, state: str) -> Json | None:
    return None if run is None else {**run, "state": state}


def _replaced(messages: list[Json], message: Json) -> list[Json]:
    return [message if each["id"] == message["id"] else each for each in messages]


def _without(queue: list[Json], run: Json) -> list[Json]:
    return [waiting for waiting in queue if waiting["id"] != run["id"]]
