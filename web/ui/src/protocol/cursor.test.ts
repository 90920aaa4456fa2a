import { expect, test } from "vitest";
import { follow, followPulled } from "./cursor";
import { aSnapshot, anEvent, renamed } from "./testing";

test("an event at or below the head is dropped", () => {
  const snapshot = aSnapshot({ head: 5 });
  expect(follow(snapshot, [renamed(4), renamed(5)])).toEqual({ snapshot, need: "nothing" });
});

test("the next event is applied, and those after it", () => {
  const { snapshot, need } = follow(aSnapshot(), [renamed(2), renamed(3)]);
  expect(snapshot).toMatchObject({ head: 3, session: { title: "t3" } });
  expect(need).toBe("nothing");
});

test("an event beyond the next one asks for a join, with what came before it applied", () => {
  const { snapshot, need } = follow(aSnapshot(), [renamed(2), renamed(4), renamed(5)]);
  expect(snapshot.head).toBe(2);
  expect(need).toBe("join");
});

test("an event of another epoch asks for a join, whatever its number", () => {
  const other = { ...renamed(2), epoch: "epoch-2" };
  expect(follow(aSnapshot(), [other])).toMatchObject({ snapshot: { head: 1 }, need: "join" });
});

test("an event that was cut asks to be pulled and is not applied", () => {
  const cut = anEvent(2, "message.completed", { truncated: true, size: 70_000 });
  expect(follow(aSnapshot(), [cut])).toMatchObject({ snapshot: { head: 1 }, need: "pull" });
});

test("pulled events are applied in order, a cut one only by its number", () => {
  const cut = anEvent(3, "message.completed", { truncated: true, size: 70_000 });
  const snapshot = followPulled(aSnapshot(), [renamed(1), renamed(2), cut, renamed(4), renamed(6)]);
  expect(snapshot).toMatchObject({ head: 4, session: { title: "t4" } });
});
