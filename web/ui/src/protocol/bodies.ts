/** Messages whose body was too large for the socket: which they are, and how a pulled body is put in. Pure. */

import type { Message, Snapshot } from "./wire";

/** Names one want of a body. A body that was pulled for it and did not help is not pulled for it again. */
export function wantKey(message: Message): string {
  return `${message.id} ${message.status} ${message.sequence}`;
}

export function wanted(snapshot: Snapshot): readonly Message[] {
  return snapshot.messages.filter((message) => message.truncated === true);
}

/** The snapshot with the bodies of `pulled` in those messages that still want one. */
export function withBodies(snapshot: Snapshot, pulled: readonly Message[]): Snapshot {
  const bodies = new Map(pulled.map((message) => [message.id, message]));
  const messages = snapshot.messages.map((message) => {
    const body = message.truncated === true ? bodies.get(message.id) : undefined;
    return body === undefined || body.truncated === true ? message : filled(message, body);
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
