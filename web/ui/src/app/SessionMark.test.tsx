// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { aSession } from "@parley/client/testing";
import { loadTexts, TextsContext } from "../i18n/texts";
import { SessionMark } from "./SessionMark";

afterEach(cleanup);

test.each([
  [{ state: "IDLE" }, "not started"],
  [{ state: "RUNNING" }, "running"],
  [{ state: "RUNNING", waiting: true }, "waiting for you"],
  [{ state: "COMPLETED" }, "completed"],
  [{ state: "FAILED" }, "failed"],
  [{ state: "CANCELLED" }, "cancelled"],
] as const)("a session that is %o is said to be %s", (change, word) => {
  render(<SessionMark session={aSession(change)} />);
  expect(screen.getByRole("img", { name: word })).toBeDefined();
});

test("in the reader's language", async () => {
  const zh = await loadTexts("zh");
  render(
    <TextsContext value={zh}>
      <SessionMark session={aSession({ state: "RUNNING", waiting: true })} />
    </TextsContext>,
  );
  expect(screen.getByRole("img", { name: "等待你处理" })).toBeDefined();
});
