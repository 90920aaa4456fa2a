import { expect, test } from "vitest";
import { en } from "./texts";
import { bytesText, durationText } from "./numbers";

const words = en.session;

test.each([
  [0, "0 s"],
  [59_999, "59 s"],
  [65_000, "1 min 5 s"],
  [3_720_000, "1 h 2 min"],
  [-5, "0 s"],
])("%i ms last %s", (ms, text) => expect(durationText(ms, words.duration)).toBe(text));

test.each([
  [500, "1 kB"],
  [184_000, "184 kB"],
  [1_250_000, "1.3 MB"],
])("%i bytes are %s", (bytes, text) => expect(bytesText(bytes, "en")).toBe(text));
