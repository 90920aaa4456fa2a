import { expect, test } from "vitest";
import { plainText } from "./plain";

test.each([
  ["Some **bold**, *soft* and `code`.", "Some bold, soft and code."],
  ["# Head\n\ntext", "Head\n\ntext"],
  ["- a\n- [x] b\n  - c", "- a\n[x] b\n  - c"],
  ["3. a\n4. b", "3. a\n4. b"],
  ["```ts\nlet a;\n```", "let a;"],
  ["|a|b|\n|-|-|\n|c|**d**|", "a\tb\nc\td"],
  ["[there](https://example.org) &amp; <b>back</b>", "there & <b>back</b>"],
])("%j reads %j", (text, expected) => {
  expect(plainText(text)).toBe(expected);
});
