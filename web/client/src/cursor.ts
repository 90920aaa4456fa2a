/** The client's half of gap-free delivery, as a pure rule: drop what is known, apply what follows, say what misses. */

import { applyEvent } from "./reducer.ts";
import type { SessionEvent, Snapshot } from "./wire.ts";

export interface Followed {
  readonly snapshot: Snapshot;
  /** False when an event is missing before one of these: join again after the snapshot's head. */
  readonly whole: boolean;
}

/** Stops at the first event that does not follow, with all before it applied. */
export function follow(base: Snapshot, events: readonly SessionEvent[]): Followed {
  let snapshot = base;
  for (const event of events) {
    if (event.epoch !== snapshot.epoch) return { snapshot, whole: false };
    if (event.seq <= snapshot.head) continue;
    if (event.seq > snapshot.head + 1) return { snapshot, whole: false };
    snapshot = applyEvent(snapshot, event);
  }
  return { snapshot, whole: true };
}
