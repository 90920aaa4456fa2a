import { expect, test } from "vitest";
import { NO_BLOCKS, blocksOf } from "./blocks";

const LONG = "words and words ".repeat(30).trim();

function texts(text: string): readonly string[] {
  return blocksOf(text).blocks.map((block) => block.text);
}

test("long paragraphs are blocks of their own, and short ones go together", () => {
  expect(texts(`${LONG}\n\n${LONG}\n`)).toEqual([`${LONG}\n\n`, `${LONG}\n`]);
  expect(texts("one\n\ntwo\n\nthree")).toEqual(["one\n\ntwo\n\nthree"]);
});

test("a fence is a block, with blank lines and all, and ends with its own mark", () => {
  const fence = "````ts\na\n\n```\nb\n````\n";
  expect(texts(`before\n${fence}after`)).toEqual(["before\n", fence, "after"]);
});

test("a fence that is not closed yet is a block at once", () => {
  expect(texts("Look:\n\n```py\nx = 1\n\ny")).toEqual(["Look:\n\n", "```py\nx = 1\n\ny"]);
});

test("a list stays together over blank lines, with the code inside of its items", () => {
  const list = "1. one\n\n   ```sh\n   ls\n\n   ```\n\n2. two\n\n   more of two\n\n";
  expect(texts(`${list}${LONG}`)).toEqual([list, LONG]);
});

test("a list without end is cut between two items, so that it costs its last part only", () => {
  const parts = texts("- an item of some length\n".repeat(1_000));
  expect(parts.length).toBeGreaterThan(4);
  expect(parts.every((part) => part.startsWith("- an item") && part.length < 4_100)).toBe(true);
});

const PIECES = ["a", " ", "\n", "\n\n", "```", "~~~", "- ", "1. ", "# ", "> ", "  ", "\t", "|", LONG, "`", "*", "[x](y)"];

/** The same for the same seed: a seed that failed can be named. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function written(seed: number): string {
  const next = random(seed);
  return Array.from({ length: 60 }, () => PIECES[Math.floor(next() * PIECES.length)]).join("");
}

test.each(Array.from({ length: 200 }, (_, seed) => seed))("seed %i: the blocks joined are the text again", (seed) => {
  const text = written(seed);
  const { blocks } = blocksOf(text);
  expect(blocks.map((block) => block.text).join("")).toBe(text);
  expect(blocks.every(({ text: part, start }) => text.startsWith(part, start))).toBe(true);
});

test.each(Array.from({ length: 60 }, (_, seed) => seed))("seed %i: a text that grew is cut as one that was read", (seed) => {
  const text = written(seed);
  const next = random(seed + 1);
  let grown = NO_BLOCKS;
  for (let end = 0; end < text.length; end += 1 + Math.floor(next() * 9)) {
    const before = grown.blocks;
    grown = blocksOf(text.slice(0, end), grown);
    // Everything but the last block is what it was: it is not drawn again.
    for (const [index, block] of before.slice(0, -1).entries()) expect(grown.blocks[index]).toBe(block);
  }
  expect(blocksOf(text, grown).blocks.map((block) => block.text).join("")).toBe(text);
});
