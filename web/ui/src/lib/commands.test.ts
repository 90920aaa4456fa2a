import { expect, test } from "vitest";
import { en } from "../i18n/texts";
import { Commands } from "./commands";

test("every word that was typed has to be in a command's name, in any order and case", () => {
  const known = new Commands();
  for (const label of ["Switch to the dark theme", "Switch to the light theme", "New session"]) {
    known.add({ id: label, label: () => label, run: () => undefined });
  }
  const found = (typed: string) => known.matching(typed, en).map(({ id }) => id);
  expect(found("theme DARK")).toEqual(["Switch to the dark theme"]);
  expect(found("")).toHaveLength(3);
  expect(found("dark session")).toEqual([]);
});
