/** I2 against what the engine makes: the scenarios that the server's tests keep, folded by this client. */

import { expect, test } from "vitest";
import { isUnseen } from "./bodies.ts";
import { applyEvent } from "./reducer.ts";
import type { Message, SessionEvent, Snapshot } from "./wire.ts";

interface Scenario {
  readonly name: string;
  readonly snapshot: Snapshot;
  readonly events: readonly SessionEvent[];
  readonly expected: Snapshot;
}

const SCENARIOS = Object.values(
  import.meta.glob<Scenario>("../../../tests/hub/scenarios/*.json", { eager: true, import: "default" }),
);

test("there are scenarios", () => {
  expect(SCENARIOS.length).toBeGreaterThan(20);
});

test.each(SCENARIOS)("old snapshot and later events are a fresh snapshot: $name", ({ snapshot, events, expected }) => {
  const folded = events.reduce(applyEvent, snapshot);
  expect(asFresh(folded, expected)).toEqual(expected);
});

/** Without what this side keeps beyond a fresh snapshot: earlier messages, known bodies, answered approvals.
 * What came with a branch and was never seen is still to be pulled. */
function asFresh(folded: Snapshot, expected: Snapshot): Snapshot {
  const fresh = new Map(expected.messages.map((message) => [message.id, message]));
  const messages = folded.messages.slice(-expected.messages.length).map((message) => {
    const header = fresh.get(message.id);
    if (isUnseen(message)) return header ?? message;
    return header?.truncated === true ? withoutBody(message, header) : message;
  });
  return { ...folded, messages, answered: undefined };
}

function withoutBody(message: Message, { content, payload }: Message): Message {
  return { ...message, content, payload, late: undefined, revision: undefined };
}
