import { expect, test } from "vitest";
import { placesCount, placesIn } from "./places";

test("places at the beginning of lines are told from what stands there", () => {
  expect(placesIn("hub/a.py:12: class A:\nno place\nhub/b c.py:7:3: x\n")).toEqual([
    { place: "hub/a.py:12:", text: " class A:\n" },
    { place: "", text: "no place\n" },
    { place: "hub/b c.py:7:3:", text: " x\n" },
  ]);
});

test.each(["", "12:30 at noon", "https://example.org:80/", "x".repeat(5_000), "a:1\n".repeat(2_000)])(
  "the parts of %j joined are the text again",
  (text) => {
    expect(placesIn(text).map(({ place, text: rest }) => place + rest).join("")).toBe(text);
  },
);

test("matches and files are counted", () => {
  expect(placesCount("a.py:1: x\na.py:2: y\nb.py:1: z\n[3 matches in 2 files]")).toEqual({ places: 3, files: 2 });
  expect(placesCount("nothing of the kind")).toBeNull();
});
