import { expect, test } from "vitest";
import { newId } from "./ids.ts";

test("a new id is a random UUID, another one each time", () => {
  const [first, second] = [newId(), newId()];
  expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(first).not.toBe(second);
});
