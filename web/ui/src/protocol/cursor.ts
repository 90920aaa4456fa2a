/** The client's half of gap-free delivery, as a pure rule: drop what is known, apply what follows, name what is missing. */

import { applyEvent, isTruncated } from "./reducer";
import type { SessionEvent, Snapshot } from "./wire";

/** `join`: an event is missing, ask for what follows the head. `pull`: the next one is too large for the socket. */
export type Need = "nothing" | "join" | "pull";

export interface Followed {
  readonly snapshot: Snapshot;
  readonly need: Need;
}

/** Stops at the first event that does not follow, with all before it applied. */
export function follow(base: Snapshot, events: readonly SessionEvent[]): Followed {
  let snapshot = base;
  for (const event of events) {
    if (event.epoch !== snapshot.epoch) return { snapshot, need: "join" };
    if (event.seq <= snapshot.head) continue;
    if (event.seq > snapshot.head + 1) return { snapshot, need: "join" };
    if (isTruncated(event)) return { snapshot, need: "pull" };
    snapshot = applyEvent(snapshot, event);
  }
  return { snapshot, need: "nothing" };
}

/** The same for events that were pulled: one that is cut even there is passed over rather than asked for again. */
export function followPulled(base: Snapshot, events: readonly SessionEvent[]): Snapshot {
  let snapshot = base;
  for (const event of events) {
    if (event.epoch === snapshot.epoch && event.seq === snapshot.head + 1) snapshot = applyEvent(snapshot, event);
  }
  return snapshot;
}
