import { expect, test } from "vitest";
import { decoded } from "./entities";

test.each([
  ["a &amp; b &lt;c&gt;", "a & b <c>"],
  ["&#8212;&#x2014;", "——"],
  ["&#0;&#xD800;&#x110000;", "\ufffd\ufffd\ufffd"],
  ["&nothing; &constructor; &", "&nothing; &constructor; &"],
])("%j means %j", (text, expected) => {
  expect(decoded(text)).toBe(expected);
});
