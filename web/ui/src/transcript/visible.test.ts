import { expect, test } from "vitest";
import { visible, visibleLine } from "./visible";

test.each([
  ["a\u202egnp.exe", "a⟨U+202E⟩gnp.exe"],
  ["a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"],
  ["\u001b[31m", "⟨U+001B⟩[31m"],
  ["\u{e0041}", "⟨U+E0041⟩"],
  ["tab\tand\nline", "tab\tand\nline"],
  ["日本 é 👩‍💻 ×", "日本 é 👩‍💻 ×"],
  ["a\u200db", "a⟨U+200D⟩b"],
])("%j is shown as %j", (text, expected) => {
  expect(visible(text)).toBe(expected);
});

test("in one line, line breaks are spaces", () => {
  expect(visibleLine("a\r\n\tb")).toBe("a b");
});
