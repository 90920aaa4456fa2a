/** Bounds the messages of a snapshot to its newest. Pure. */

import type { Message, Snapshot } from "./wire.ts";

/** Positions count a branch from 1; pages are aligned: the first is 1 to 50. */
export const PAGE_SIZE = 50;
/** More than anybody looks at in one go; what is older is in the pages of the history. */
export const TAIL_MAX = 500;

/** Messages that left the end of a branch, from a position on. */
export interface Left {
  readonly first: number;
  readonly messages: readonly Message[];
}

export interface Trimmed {
  readonly snapshot: Snapshot;
  readonly left: Left | null;
}

/** The position of the first message that a snapshot holds; one after the last when it holds none. */
export function firstPosition({ session, messages }: Snapshot): number {
  return session.messageCount - messages.length + 1;
}

/** Keeps at most `most` messages and a page, and begins with a whole page where it cuts. */
export function trimmed(snapshot: Snapshot, most: number): Trimmed {
  const { messages } = snapshot;
  const first = firstPosition(snapshot);
  if (messages.length < most + PAGE_SIZE || first < 1) return { snapshot, left: null };
  const earliest = first + messages.length - most;
  const begin = earliest - ((earliest - 1) % PAGE_SIZE);
  const left = { first, messages: messages.slice(0, begin - first) };
  return { snapshot: { ...snapshot, messages: messages.slice(begin - first) }, left };
}
