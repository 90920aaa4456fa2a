import { describe, expect, test } from "vitest";
import type { Json } from "@parley/client";
import { fieldsOf, withField, wrongFields } from "./schemaFields";

function schema(properties: Json, required: readonly string[] = []): Json {
  return { type: "object", properties, required };
}

const COMMAND = schema(
  {
    command: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
    path: { type: "string", default: "." },
    timeout: { anyOf: [{ type: "number" }, { type: "null" }], default: 60 },
  },
  ["command"],
);

describe("which tools have fields", () => {
  test("each argument of a simple schema has a field of its kind, with what it is without a value", () => {
    const fields = fieldsOf(COMMAND, { command: "ls" });
    expect(fields?.map(({ name, kind, required, placeholder }) => [name, kind, required, placeholder])).toEqual([
      ["command", "text", true, ""],
      ["path", "text", false, "."],
      ["timeout", "number", false, "60"],
    ]);
  });

  test("a fixed set of words is a choice, true or false a box to tick", () => {
    const fields = fieldsOf(schema({ unit: { enum: ["C", "F"] }, loud: { type: "boolean" } }), {});
    expect(fields?.map(({ kind, choices }) => [kind, choices])).toEqual([
      ["choice", ["C", "F"]],
      ["boolean", []],
    ]);
  });

  test.each<[string, Json | null, Json]>([
    ["no schema", null, {}],
    ["a list", schema({ names: { type: "array" } }), {}],
    ["a value of another form", COMMAND, { command: ["ls", "-l"] }],
    ["an argument that the schema doesn't know", COMMAND, { command: "ls", other: 1 }],
    ["no arguments at all", schema({}), {}],
    ["too many", schema(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`a${n}`, { type: "string" }]))), {}],
  ])("%s has none", (_name, parameters, given) => {
    expect(fieldsOf(parameters, given)).toBeNull();
  });
});

describe("what is typed", () => {
  const [command, path, timeout] = fieldsOf(COMMAND, { command: "ls" }) ?? [];
  if (command === undefined || path === undefined || timeout === undefined) throw new Error("The schema is simple");

  test("changes its argument alone", () => {
    expect(withField({ command: "ls", path: "a" }, command, "pwd")).toEqual({ command: "pwd", path: "a" });
  });

  test("leaves out an optional argument that is empty, but not a required one", () => {
    expect(withField({ command: "ls", path: "a" }, path, "")).toEqual({ command: "ls" });
    expect(withField({ command: "ls" }, command, "")).toEqual({ command: "" });
  });

  test("is a number where one is wanted, and wrong until it is one", () => {
    expect(withField({ command: "ls" }, timeout, "2.5")).toEqual({ command: "ls", timeout: 2.5 });
    const typed = withField({ command: "ls" }, timeout, "2.5 s");
    expect(wrongFields([command, path, timeout], typed)).toEqual(["timeout"]);
  });

  test("is wrong as a part of a whole number", () => {
    const [lines] = fieldsOf(schema({ lines: { type: "integer" } }), {}) ?? [];
    expect(lines && wrongFields([lines], withField({}, lines, "2.5"))).toEqual(["lines"]);
  });
});
