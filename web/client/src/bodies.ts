/** Messages whose body was too large for the socket: which they are, and how a pulled body is put in. Pure. */

import type { Message, Metadata, Snapshot } from "./wire.ts";

/** Names one want of a body. A body that was pulled for it and did not help is not pulled for it again. */
export function wantKey(message: Message): string {
  return `${message.id} ${message.status} ${message.sequence} ${message.revision ?? 0}`;
}

const UNSEEN = "unseen";
export const NO_METADATA: Metadata = {
  source: null,
  displayHint: null,
  traceId: null,
  originalInput: null,
  tokens: null,
  durationMs: null,
  streaming: null,
  extra: {},
};

/** Stands for a message that came with a branch and was never seen here, until it is pulled. `revision` is the seq
 * that brought it: it is pulled anew for each. */
export function unseen(id: string, revision: number): Message {
  const kind = { role: "system", messageType: "status", kind: UNSEEN, status: "complete" } as const;
  const nothing = { content: "", payload: null, author: "", metadata: NO_METADATA } as const;
  return { id, ...kind, ...nothing, createdAtUtc: "", ordinal: 0, sequence: 0, truncated: true, revision };
}

export function isUnseen({ kind }: Message): boolean {
  return kind === UNSEEN;
}

export function wanted(snapshot: Snapshot): readonly Message[] {
  return snapshot.messages.filter((message) => message.truncated === true);
}

/** Those of `pulled` whose message was not updated since it was one of `wants`: the others hold what was before. */
export function upToDate(
  snapshot: Snapshot,
  wants: readonly Message[],
  pulled: readonly Message[],
): readonly Message[] {
  const asked = new Map(wants.map(({ id, revision }) => [id, revision]));
  const now = new Map(snapshot.messages.map(({ id, revision }) => [id, revision]));
  return pulled.filter(({ id }) => asked.get(id) === now.get(id));
}

/** The snapshot with the bodies of `pulled` in those messages that still want one. */
export function withBodies(snapshot: Snapshot, pulled: readonly Message[]): Snapshot {
  const bodies = new Map(pulled.map((message) => [message.id, message]));
  const messages = snapshot.messages.map((message) => {
    const body = message.truncated === true ? bodies.get(message.id) : undefined;
    if (body === undefined || body.truncated === true) return message;
    return isUnseen(message) ? body : filled(message, body);
  });
  return { ...snapshot, messages };
}

/** A body read while it grew is completed by the deltas that came meanwhile; one that still lags is not taken. */
function filled(message: Message, body: Message): Message {
  const late = (message.late ?? []).filter(({ sequence }) => sequence > body.sequence);
  const sequence = Math.max(body.sequence, late.at(-1)?.sequence ?? 0);
  if (sequence < message.sequence) return message;
  const content = body.content + late.map(({ delta }) => delta).join("");
  return { ...message, content, sequence, payload: body.payload, truncated: undefined, late: undefined };
}
