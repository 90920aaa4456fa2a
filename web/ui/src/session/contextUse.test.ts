import { describe, expect, test } from "vitest";
import { aMessage } from "@parley/client/testing";
import type { Message } from "@parley/client";
import { contextUse } from "./contextUse";

describe("how full the window is", () => {
  const reply = (inputTokens: number): Message =>
    aMessage({ payload: { kind: "streaming_response", model: "m", usage: { inputTokens, outputTokens: 5, estimated: false } } });

  test("is told by the last reply that was counted", () => {
    const asked = aMessage({ kind: "text", payload: null });
    expect(contextUse([reply(10), reply(20), asked])).toMatchObject({ used: 25, model: "m" });
  });

  test("is told by a reply too that only called tools", () => {
    const usage = { inputTokens: 30, outputTokens: 5, estimated: false };
    const request = aMessage({ kind: "tool_request", payload: { kind: "tool_request", calls: [], model: "n", usage } });
    expect(contextUse([reply(10), request])).toMatchObject({ used: 35, model: "n" });
  });

  test("is not known before the first one", () => expect(contextUse([aMessage({ kind: "text" })])).toBeNull());
});
