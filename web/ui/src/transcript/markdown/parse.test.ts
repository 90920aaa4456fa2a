import { expect, test } from "vitest";
import { blocksOf } from "./blocks";
import { fenceOf } from "./fence";
import { parse } from "./parse";

test("an ordinary text is parsed", () => {
  expect(parse("Some **bold** and `code`.", false)?.map(({ type }) => type)).toEqual(["paragraph"]);
});

test.each([
  ["quotes in quotes", ">".repeat(10_000)],
  ["lists in lists", "- ".repeat(100) + "a"],
  ["items that each lie deeper", Array.from({ length: 60 }, (_, depth) => " ".repeat(2 * depth) + "- a").join("\n")],
  ["ten thousand columns", "|a".repeat(10_000) + "|\n"],
  ["marks without end", "*a _b ".repeat(3_000)],
  ["brackets without end", "[".repeat(10_000)],
  ["a hundred kilobytes in one line", "x".repeat(100_000)],
])("%s are shown as they are written", (_, text) => {
  expect(parse(text, true)).toBeNull();
});

test("a long list of bold words is no reason to give up", () => {
  expect(parse("- **One**: something about `it`, see [there](https://example.org)\n".repeat(55), false)).not.toBeNull();
});

const MARKS = ["[", "](", "![", "*", "**a", "_a ", "`", "<a", "<!--", "&", "|", "- ", "> ", "1. ", "\\", "www.", "a@b.c", "~~", "\n", "x^", "[a]: ", "http://"];

// What is let through is parsed while nobody notices: a hundred times this would still be bearable.
const SLOW_MS = 400;

test.each(MARKS)("%j repeated with any other mark never takes the parser long", (one) => {
  for (const other of MARKS) {
    const text = (one + other).repeat(6_000).slice(0, 20_000);
    const began = performance.now();
    for (const block of blocksOf(text).blocks) if (fenceOf(block.text) === null) parse(block.text, true);
    expect(performance.now() - began, `${one}${other}`).toBeLessThan(SLOW_MS * 4);
  }
});
