import { expect, test } from "vitest";
import { safeLink } from "./links";

test.each([
  ["https://example.org/a?b#c", "https://example.org/a?b#c", "example.org"],
  [" HTTP://Example.org ", "http://example.org/", "example.org"],
  ["https://user:secret@example.org:81/", "https://user:secret@example.org:81/", "example.org:81"],
  ["mailto:ana@example.org", "mailto:ana@example.org", "ana@example.org"],
])("%j leads to where it says", (address, href, to) => {
  expect(safeLink(address)).toEqual({ href, to });
});

test.each([
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java\tscript:alert(1)",
  "\u0000javascript:alert(1)",
  "data:text/html,x",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:https://example.org/1",
  "//example.org",
  "/api/me",
  "#here",
  "example.org",
  "https:example.org",
  "http://",
  "",
])("%j leads nowhere", (address) => {
  expect(safeLink(address)).toBeNull();
});
