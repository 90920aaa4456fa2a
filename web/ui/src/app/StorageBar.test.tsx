// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { CallError, Signal } from "@parley/client";
import type { HubClient } from "@parley/client";
import { StorageBar } from "./StorageBar";

afterEach(cleanup);

/** As much of a hub as the bar asks. */
function hubThat(answers: () => Promise<unknown>): { hub: HubClient; opened: Signal<null> } {
  const opened = new Signal<null>();
  return { hub: { rest: { request: answers }, connection: { opened } } as unknown as HubClient, opened };
}

function refusal(code: string): CallError {
  return new CallError({ code, message: "parley.db is damaged", retryable: false, details: {} });
}

test("what is missing is said until it is dismissed", async () => {
  const { hub } = hubThat(() => Promise.resolve({ status: "ready", warning: "changes are missing" }));
  render(<StorageBar hub={hub} />);
  expect((await screen.findByRole("alert")).textContent).toContain("the newest changes are missing");
  fireEvent.click(screen.getByRole("button"));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a storage in trouble is said in the server's words", async () => {
  const { hub } = hubThat(() => Promise.reject(refusal("storage_corrupt")));
  render(<StorageBar hub={hub} />);
  expect((await screen.findByRole("alert")).textContent).toContain("parley.db is damaged");
});

test("a connection that comes back asks again, and what is well says nothing", async () => {
  const answers = [
    () => Promise.resolve({ status: "ready" }),
    () => Promise.reject(refusal("draining")),
    () => Promise.reject(refusal("storage_unavailable")),
  ];
  const { hub, opened } = hubThat(() => answers.shift()?.() ?? Promise.reject(refusal("unasked")));
  render(<StorageBar hub={hub} />);
  opened.emit(null);
  expect(screen.queryByRole("alert")).toBeNull();
  opened.emit(null);
  expect(await screen.findByRole("alert")).toBeDefined();
});
