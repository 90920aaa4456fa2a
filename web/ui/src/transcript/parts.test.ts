import { expect, test } from "vitest";
import { partOf } from "./parts";

test("a text that is hardly longer than the limit is whole", () => {
  expect(partOf("x".repeat(1_050), 1_000)).toHaveLength(1_050);
});

test("a longer one ends with a line where one ends near the limit", () => {
  const text = `${"a".repeat(900)}\n${"b".repeat(900)}`;
  expect(partOf(text, 1_000)).toBe(`${"a".repeat(900)}\n`);
});

test("no character is cut in two", () => {
  expect(partOf("👩".repeat(2_000), 1_001)).toHaveLength(1_000);
});

test("many short lines are long, too", () => {
  expect(partOf("a\n".repeat(1_000), 1_000)).toBe("a\n".repeat(25));
});
