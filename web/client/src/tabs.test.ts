import { expect, test } from "vitest";
import { placedTab, rankBetween, sortedTabs } from "./tabs.ts";

test("a rank lies between its neighbours, or beyond the only one", () => {
  expect(rankBetween(1, 2)).toBe(1.5);
  expect([rankBetween(null, 2), rankBetween(2, null), rankBetween(null, null)]).toEqual([1, 3, 0]);
});

test("tabs of equal rank stand by their id", () => {
  expect(sortedTabs({ b: 1, c: 0, a: 1 })).toEqual(["c", "a", "b"]);
});

test.each([
  ["c", 0, ["c", "a", "b"]],
  ["a", 1, ["b", "a", "c"]],
  ["a", 9, ["b", "c", "a"]],
  ["new", 1, ["a", "new", "b", "c"]],
])("%s placed at %i writes one rank", (id, index, expected) => {
  const tabs = { a: 0, b: 1, c: 2 };
  const written = placedTab(tabs, id, index);
  expect(Object.keys(written)).toEqual([id]);
  expect(sortedTabs({ ...tabs, ...written })).toEqual(expected);
});

test("when no number is left between two neighbours all ranks are written anew", () => {
  let tabs: Readonly<Record<string, number>> = { a: 0, b: 1, c: 2 };
  for (let move = 0; move < 200; move += 1) {
    const [, , last = ""] = sortedTabs(tabs);
    tabs = { ...tabs, ...placedTab(tabs, last, 1) };
    expect(sortedTabs(tabs)[1]).toBe(last);
  }
});

test("equal neighbours leave no room between them", () => {
  const tabs = { a: 1, b: 1, c: 5 };
  expect(sortedTabs({ ...tabs, ...placedTab(tabs, "c", 1) })).toEqual(["a", "c", "b"]);
});
