/** The page that people read first tells the truth. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ask } from "../examples/quickstart.ts";
import { findPython, ParleyServer } from "./server.ts";

const PYTHON = findPython();
const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("the quick start of the README is the example", () => {
  expect(read("../README.md")).toContain(`\`\`\`ts\n${read("../examples/quickstart.ts")}\`\`\``);
});

describe.skipIf(PYTHON === null)("the quick start", () => {
  const server = new ParleyServer(PYTHON ?? "");

  beforeAll(() => server.start(), 60_000);
  afterAll(() => server.remove());

  test("prints the reply as it grows, and returns it", async () => {
    const print = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const reply = await ask(server.url, "What happens on a reload?");
    expect(reply).toContain("I am Parley's demo");
    expect(print.mock.calls.length).toBeGreaterThan(1);
    expect(print.mock.lastCall).toEqual([reply]);
  });
});
