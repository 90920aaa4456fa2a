/** Who is in the room, folded from the answer to a join and the differences after it. Pure. */

import type { JoinAck, Participant, PresenceChange } from "./wire.ts";

/** `count` is larger than the list when there are too many to be named. */
export interface Presence {
  readonly participants: readonly Participant[];
  readonly count: number;
  /** Of the differences: the next one has the number after it. */
  readonly version: number;
}

export const NOBODY: Presence = { participants: [], count: 0, version: 0 };

/** As a join tells it; a server that names more than this many tells counts alone. */
const NAMED_MAX = 100;

export function presenceOf({ participants = [], presenceVersion = 0 }: JoinAck): Presence {
  return { participants, count: participants.length, version: presenceVersion };
}

/** After a difference; the same object for one that is known. Null when one was missed, or its names: join again. */
export function presenceAfter(known: Presence, change: PresenceChange): Presence | null {
  const { version, joined, left, count } = change;
  if (version <= known.version) return known;
  if (version > known.version + 1) return null;
  if (typeof count === "number") return { ...known, count, version };
  if (known.count !== known.participants.length || known.count >= NAMED_MAX) return null;
  const gone = new Set([...joined, ...left].map(({ userId }) => userId));
  const stayed = known.participants.filter(({ userId }) => !gone.has(userId));
  const participants = [...stayed, ...joined];
  return { participants, count: participants.length, version };
}
