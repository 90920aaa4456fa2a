import { expect, test } from "vitest";
import { follow } from "./cursor.ts";
import { aSnapshot, renamed } from "./testing.ts";

test("an event at or below the head is dropped", () => {
  const snapshot = aSnapshot({ head: 5 });
  expect(follow(snapshot, [renamed(4), renamed(5)])).toEqual({ snapshot, whole: true });
});

test("the next event is applied, and those after it", () => {
  const { snapshot, whole } = follow(aSnapshot(), [renamed(2), renamed(3)]);
  expect(snapshot).toMatchObject({ head: 3, session: { title: "t3" } });
  expect(whole).toBe(true);
});

test("an event beyond the next one asks for a join, with what came before it applied", () => {
  const { snapshot, whole } = follow(aSnapshot(), [renamed(2), renamed(4), renamed(5)]);
  expect(snapshot.head).toBe(2);
  expect(whole).toBe(false);
});

test("an event of another epoch asks for a join, whatever its number", () => {
  const other = { ...renamed(2), epoch: "epoch-2" };
  expect(follow(aSnapshot(), [other])).toMatchObject({ snapshot: { head: 1 }, whole: false });
});
