/** Which results belong to which request for tools: a pair is shown as one block, in the place of the request. Pure. */

import { callsOf, resultOf } from "@parley/client";
import type { Message } from "@parley/client";

type At = (position: number) => Message | undefined;

const REQUESTS = new Set(["tool_request", "mcp_tool_request"]);
const RESULTS = new Set(["tool_result", "mcp_tool_result"]);
/** Between a request and its last result stand the other results, and what the tools said meanwhile. */
const SPARE = 16;
const LOOK_BACK = 160;

const NONE: readonly Message[] = [];

export function isRequest(message: Message | undefined): message is Message {
  return message !== undefined && REQUESTS.has(message.kind);
}

export function isResult(message: Message | undefined): message is Message {
  return message !== undefined && RESULTS.has(message.kind);
}

/** The results of the calls of the request at `position`, as far as they are loaded. */
export function resultsAfter(at: At, position: number): readonly Message[] {
  const request = at(position);
  if (!isRequest(request)) return NONE;
  const missing = new Set(callsOf(request).map(({ callId }) => callId));
  const found: Message[] = [];
  const last = position + missing.size + SPARE;
  for (let next = position + 1; next <= last && missing.size > 0; next += 1) {
    const message = at(next);
    if (message === undefined || isRequest(message)) break;
    if (isResult(message) && missing.delete(resultOf(message).callId)) found.push(message);
  }
  return found;
}

/** Where the request stands whose block shows the result at `position`; null when it stands alone. */
export function requestBefore(at: At, position: number): number | null {
  const result = at(position);
  if (!isResult(result)) return null;
  for (let before = position - 1; before >= Math.max(1, position - LOOK_BACK); before -= 1) {
    const message = at(before);
    if (message === undefined) return null;
    if (isRequest(message)) return resultsAfter(at, before).includes(result) ? before : null;
  }
  return null;
}
