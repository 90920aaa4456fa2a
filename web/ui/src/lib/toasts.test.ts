import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TOAST_MS, Toasts } from "./toasts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function texts(toasts: Toasts): readonly string[] {
  return toasts.shown.map(({ text }) => text);
}

test("a toast goes by itself, an error stays until it is dismissed", () => {
  const toasts = new Toasts();
  toasts.show("Copied");
  const id = toasts.error("Failed");
  vi.advanceTimersByTime(TOAST_MS);
  expect(texts(toasts)).toEqual(["Failed"]);
  toasts.dismiss(id);
  expect(texts(toasts)).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("while somebody aims at one, none goes away", () => {
  const toasts = new Toasts();
  toasts.show("Deleted", { label: "Undo", run: () => undefined });
  toasts.hold();
  vi.advanceTimersByTime(10 * TOAST_MS);
  expect(texts(toasts)).toEqual(["Deleted"]);
  toasts.release();
  vi.advanceTimersByTime(TOAST_MS);
  expect(texts(toasts)).toEqual([]);
});

test("at most three are shown, the oldest goes first, and the same words are not said twice", () => {
  const toasts = new Toasts();
  for (const text of ["a", "b", "c", "b", "d"]) toasts.show(text);
  expect(texts(toasts)).toEqual(["c", "b", "d"]);
  vi.advanceTimersByTime(TOAST_MS);
  expect(vi.getTimerCount()).toBe(0);
});
