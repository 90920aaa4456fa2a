// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { ToastRegion } from "./ToastRegion";
import { Toasts } from "../lib/toasts";

afterEach(cleanup);

/** A change is drawn with the next frame. */
async function frame(): Promise<void> {
  await act(() => new Promise((done) => requestAnimationFrame(() => done(undefined))));
}

test("a toast is in the polite region, and its action runs once and takes it away", async () => {
  const toasts = new Toasts();
  const run = vi.fn();
  render(<ToastRegion toasts={toasts} />);
  toasts.show("Deleted", { label: "Undo", run });
  await frame();
  expect(screen.getByRole("status").textContent).toContain("Deleted");
  fireEvent.click(screen.getByText("Undo"));
  await frame();
  expect(run).toHaveBeenCalledTimes(1);
  expect(screen.queryByText("Deleted")).toBeNull();
});

test("an error can be dismissed", async () => {
  const toasts = new Toasts();
  render(<ToastRegion toasts={toasts} />);
  toasts.error("It failed");
  await frame();
  fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  await frame();
  expect(screen.queryByText("It failed")).toBeNull();
});
