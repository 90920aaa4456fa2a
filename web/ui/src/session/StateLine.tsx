/** In words what the engine is doing, and for how long; a mark beside it for the glance. Not connected, it stands still. */

import { useState } from "react";
import type { Snapshot } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { stateWords } from "../i18n/words";
import { Elapsed } from "./Elapsed";

interface Props {
  readonly snapshot: Snapshot;
  readonly connected: boolean;
}

export function StateLine({ snapshot, connected }: Props) {
  const { session, state } = snapshot;
  const words = useTexts().session.state;
  const key = keyOf(snapshot);
  // What was going on already when the page came has a beginning that only the server knows.
  const [found] = useState(key);
  const startedAt = key === found ? session.updatedAtUtc : null;
  return (
    <span className="state-line" data-tone={toneOf(snapshot)} data-stale={connected ? undefined : ""}>
      <span className="state-mark" aria-hidden="true" />
      <span role="status" data-testid="state-line" data-state={state.name} data-session-state={session.state}>
        {stateWords(snapshot, words)}
      </span>
      {key !== null && <Elapsed key={key} startedAt={startedAt} />}
      {snapshot.queue.length > 0 && <span className="queued-count">{words.queued(snapshot.queue.length)}</span>}
    </span>
  );
}

/** Names one thing that takes time; null while nothing does. */
function keyOf({ state, session, run }: Snapshot): string | null {
  if (session.state !== "RUNNING") return null;
  switch (state.name) {
    case "streaming_response":
      return `${state.name} ${String(state["messageId"])}`;
    case "awaiting_llm":
    case "processing_tool":
    case "processing_workflow":
    case "awaiting_user":
      return JSON.stringify(state);
    default:
      return `run ${run?.id ?? ""}`;
  }
}

export type Tone = "rest" | "busy" | "wait" | "bad";

export function toneOf({ state, session }: Snapshot): Tone {
  if (state.name === "error") return "bad";
  if (session.state !== "RUNNING") return "rest";
  return state.name === "awaiting_user" ? "wait" : "busy";
}
