import { expect, test } from "vitest";
import { grouped } from "./groups";

const NOW = new Date(2026, 10, 20, 9, 0);

function headings(...times: readonly Date[]): readonly unknown[] {
  return grouped(times, (at) => at.toISOString(), NOW).map(({ heading, items }) => [heading, items.length]);
}

test("sessions of the last days have headings of their own, older ones that of their month", () => {
  expect(
    headings(
      new Date(2026, 10, 20, 0, 1),
      new Date(2026, 10, 19, 23, 59),
      new Date(2026, 10, 13, 12, 0),
      new Date(2026, 10, 12, 12, 0),
      new Date(2026, 10, 1, 12, 0),
      new Date(2025, 10, 1, 12, 0),
    ),
  ).toEqual([
    ["today", 1],
    ["yesterday", 1],
    ["week", 1],
    [new Date(2026, 10, 1), 2],
    [new Date(2025, 10, 1), 1],
  ]);
});

test("a clock that is ahead of ours means today", () => {
  expect(headings(new Date(2026, 10, 20, 9, 5), new Date(2026, 10, 21, 0, 5))).toEqual([["today", 2]]);
});

test("the order is kept: a heading may come again, under another key", () => {
  const groups = grouped([NOW, new Date(2026, 9, 1), NOW], (at) => at.toISOString(), NOW);
  expect(groups).toHaveLength(3);
  expect(new Set(groups.map(({ key }) => key)).size).toBe(3);
});
