import { expect, test } from "vitest";
import { aSession } from "@parley/client/testing";
import { en } from "../i18n/texts";
import { newsOf } from "./useNotifications";
import { unreadOf } from "./useSeen";

test("a tab has news when its session went on after it was last looked at", () => {
  const sessions = new Map(["a", "b", "c", "d"].map((id) => [id, aSession({ id, head: 10 })]));
  const state = { tabs: { a: 1, b: 2, c: 3 }, ui: { seen: { a: 9, b: 10, d: 1 } } };
  expect([...unreadOf(state, sessions, null)]).toEqual(["a"]);
  expect([...unreadOf(state, sessions, "a")]).toEqual([]);
});

test("the end of a run is told once, and a session that was at rest before is not news", () => {
  const ended = aSession({ state: "FAILED" });
  expect(newsOf("RUNNING", ended, en)).toBe("Failed");
  expect(newsOf("waiting", ended, en)).toBe("Failed");
  expect(newsOf("FAILED", ended, en)).toBeNull();
  expect(newsOf(undefined, ended, en)).toBeNull();
  expect(newsOf("RUNNING", aSession({ state: "RUNNING" }), en)).toBeNull();
});
