import { expect, test } from "vitest";
import { en } from "../i18n/texts";
import { outboxLines } from "./outboxLines";

const words = en.session;

test("what is on its way is named by its words, or by what it is", () => {
  const entry = { sessionId: "s", clientMessageId: "c", onBusy: "enqueue", metadata: undefined, error: null } as const;
  const lines = outboxLines(
    [
      { ...entry, content: "a\nb", payload: undefined, state: "sending" },
      { ...entry, content: undefined, payload: { kind: "image" }, state: "queued_offline" },
    ] as unknown as Parameters<typeof outboxLines>[0],
    words.queue,
  );
  expect(lines.map(({ text, state }) => [text, state])).toEqual([
    ["a b", "sending"],
    ["Image", "queued_offline"],
  ]);
});
