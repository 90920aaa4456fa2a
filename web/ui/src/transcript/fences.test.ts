import { expect, test } from "vitest";
import { partsOf } from "./fences";
import type { Part } from "./fences";

const text = (value: string): Part => ({ kind: "text", text: value });
const mark = (value: string): Part => ({ kind: "mark", text: value });
const code = (value: string): Part => ({ kind: "code", text: value });

const ONE = [text("before\n"), mark("```py\n"), code("x = 1\n"), mark("```\n"), text("after")];
const TWO = [mark("```\n"), code("one\n"), mark("```\n"), mark("```\n"), code("two\n"), mark("```")];
const GROWING = [text("it grows:\n"), mark("```\n"), code("x =")];

test.each<[string, readonly Part[]]>([
  ["no code at all", [text("no code at all")]],
  ["before\n```py\nx = 1\n```\nafter", ONE],
  ["```\none\n```\n```\ntwo\n```", TWO],
  ["it grows:\n```\nx =", GROWING],
  ["a ``` in the middle of a line", [text("a ``` in the middle of a line")]],
  ["```only a mark", [text("```only a mark")]],
  ["", []],
])("%j is divided, and its parts are the text again", (given, expected) => {
  const parts = partsOf(given);
  expect(parts).toEqual(expected);
  expect(parts.map((part) => part.text).join("")).toBe(given);
});
