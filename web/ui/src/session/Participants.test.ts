import { expect, test } from "vitest";
import { initials } from "./Participants";

test.each([
  ["Ann Lee", "AL"],
  ["ann", "A"],
  ["李 雷", "李雷"],
  ["  ", "?"],
])("the initials of “%s” are %s", (name, expected) => expect(initials(name)).toBe(expected));
