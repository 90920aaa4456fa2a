import { expect, test } from "vitest";
import { MOST_TABS, moving, neighbour, opening, ordered, stepped } from "./tabs";
import type { Ranks } from "./tabs";

const TABS: Ranks = { c: 3, a: 1, b: 2 };

function after(tabs: Ranks, change: Readonly<Record<string, number | null>>): readonly string[] {
  const merged = Object.entries({ ...tabs, ...change }).filter((entry): entry is [string, number] => entry[1] !== null);
  return ordered(Object.fromEntries(merged));
}

test("tabs stand by rank, and equal ranks by id", () => {
  expect(ordered({ z: 1, y: 1, x: 2, w: 0.5 })).toEqual(["w", "y", "z", "x"]);
});

test("a tab opens at the end, once", () => {
  expect(after(TABS, opening(TABS, "d"))).toEqual(["a", "b", "c", "d"]);
  expect(opening(TABS, "b")).toEqual({});
  expect(opening({}, "a")).toEqual({ a: 1 });
});

test("beyond the most that there may be, the leftmost closes", () => {
  const full = Object.fromEntries(Array.from({ length: MOST_TABS }, (_, index) => [`t${index}`, index]));
  const order = after(full, opening(full, "new"));
  expect(order).toHaveLength(MOST_TABS);
  expect(order[0]).toBe("t1");
  expect(order.at(-1)).toBe("new");
});

test.each([
  ["a", 0, ["a", "b", "c"]],
  ["a", 1, ["b", "a", "c"]],
  ["a", 2, ["b", "c", "a"]],
  ["c", 0, ["c", "a", "b"]],
  ["b", 99, ["a", "c", "b"]],
  ["b", -1, ["b", "a", "c"]],
])("moving %s to place %i gives %o", (id, place, expected) => {
  const change = moving(TABS, id, place);
  expect(after(TABS, change)).toEqual(expected);
  expect(Object.keys(change)).toEqual([id]);
});

test("where no number fits between two, all are given new ranks", () => {
  const close: Ranks = { a: 1, b: 1 + Number.EPSILON, c: 5 };
  expect(after(close, moving(close, "c", 1))).toEqual(["a", "c", "b"]);
});

test("any number of moves to the same gap keeps the order", () => {
  let tabs: Ranks = { a: 1, b: 2, c: 3 };
  for (let turn = 0; turn < 200; turn += 1) {
    const id = turn % 2 === 0 ? "c" : "b";
    tabs = { ...tabs, ...moving(tabs, id, 1) };
    expect(ordered(tabs)[1]).toBe(id);
  }
});

test("when a tab closes, the one that takes its place is shown, else the one before", () => {
  expect(neighbour(["a", "b", "c"], "b")).toBe("c");
  expect(neighbour(["a", "b", "c"], "c")).toBe("b");
  expect(neighbour(["a"], "a")).toBeNull();
});

test("stepping goes round, and begins at an end where nothing is shown", () => {
  expect(stepped(["a", "b"], "b", 1)).toBe("a");
  expect(stepped(["a", "b"], "a", -1)).toBe("b");
  expect(stepped(["a", "b"], null, 1)).toBe("a");
  expect(stepped(["a", "b"], "elsewhere", -1)).toBe("b");
  expect(stepped([], null, 1)).toBeNull();
});
