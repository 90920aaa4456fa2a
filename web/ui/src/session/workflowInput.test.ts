import { describe, expect, test } from "vitest";
import { inputOf, startTyped } from "./workflowInput";
import type { Workflow } from "./workflowInput";

describe("what a workflow is given", () => {
  const workflow: Workflow = {
    name: "w",
    description: "",
    steps: [],
    inputs: [
      { name: "topic", required: true, description: "" },
      { name: "times", required: false, default: 3, description: "" },
      { name: "note", required: false, default: "7", description: "" },
    ],
  };

  test("begins with the defaults", () => expect(startTyped(workflow)).toEqual({ times: "3", note: "7" }));

  test("has values of the kinds of the defaults", () => {
    expect(inputOf(workflow, { topic: "1", times: "4", note: "8" })).toEqual({ topic: "1", times: 4, note: "8" });
  });

  test("is nothing while something is missing or no value", () => {
    expect(inputOf(workflow, { topic: " " })).toBeNull();
    expect(inputOf(workflow, { topic: "a", times: "three" })).toBeNull();
  });
});
