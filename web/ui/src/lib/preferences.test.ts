// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from "vitest";
import { applyLook, DEFAULT_PREFERENCES, loadCopy, readPreferences, saveCopy } from "./preferences";

beforeEach(() => localStorage.clear());

test("what is missing or unknown is as if it had not been chosen", () => {
  const given = { theme: "dark", fontSize: "huge", language: 7, defaultModel: "demo", notifications: "yes", other: 1 };
  expect(readPreferences(given)).toEqual({ ...DEFAULT_PREFERENCES, theme: "dark", defaultModel: "demo" });
  expect(readPreferences(null)).toEqual(DEFAULT_PREFERENCES);
});

test("the copy in this browser comes back, and one that cannot be read counts as none", () => {
  const chosen = { ...DEFAULT_PREFERENCES, theme: "light", sendKey: "mod-enter" } as const;
  saveCopy(chosen);
  expect(loadCopy()).toEqual(chosen);
  localStorage.setItem("parley.preferences", "{");
  expect(loadCopy()).toEqual(DEFAULT_PREFERENCES);
});

test("the theme of the system is followed only where it was asked for", () => {
  let matches = true;
  let change: () => void = () => undefined;
  const addEventListener = (_: string, listener: () => void) => (change = listener);
  const removeEventListener = vi.fn();
  vi.stubGlobal("matchMedia", () => ({
    get matches() {
      return matches;
    },
    addEventListener,
    removeEventListener,
  }));
  const root = document.createElement("html");
  const stop = applyLook(root, { ...DEFAULT_PREFERENCES, fontSize: "large" });
  expect(root.dataset).toMatchObject({ theme: "dark", fontSize: "large" });
  matches = false;
  change();
  expect(root.dataset["theme"]).toBe("light");
  stop();
  expect(removeEventListener).toHaveBeenCalledWith("change", change);
  matches = true;
  applyLook(root, { ...DEFAULT_PREFERENCES, theme: "light" });
  expect(root.dataset["theme"]).toBe("light");
});
