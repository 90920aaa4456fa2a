import { expect, test } from "vitest";
import { fenceOf, languageOf } from "./fence";

test.each([
  ["```ts\nlet a;\n```\n", { language: "ts", code: "let a;", closed: true }],
  ["```\nlet a;\n\n", { language: "", code: "let a;\n", closed: false }],
  ["~~~~ Python {1}\n~~~\nx\n~~~~", { language: "python", code: "~~~\nx", closed: true }],
  ["```js", { language: "js", code: "", closed: false }],
  ["```js\n```", { language: "js", code: "", closed: true }],
  ["```js\na ```", { language: "js", code: "a ```", closed: false }],
])("%j is code", (text, expected) => {
  expect(fenceOf(text)).toEqual(expected);
});

test.each(["`code`", "``` inline ```", "  text", "# head"])("%j is none", (text) => {
  expect(fenceOf(text)).toBeNull();
});

test("the language is the first word behind the fence", () => {
  expect([languageOf(' ts title="a"'), languageOf("C++"), languageOf("")]).toEqual(["ts", "c++", ""]);
});
