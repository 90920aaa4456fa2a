// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import { isMac, listenForShortcuts, Shortcuts } from "./shortcuts";
import type { KeyPress, Shortcut } from "./shortcuts";

const HELP: Shortcut = { id: "help", keys: "?", group: "general", label: () => "Help", run: () => undefined };
const SEARCH: Shortcut = { ...HELP, id: "search", keys: "mod+k" };
const NEW: Shortcut = { ...HELP, id: "new", keys: "alt+n", macKeys: "ctrl+alt+n" };
const NEXT: Shortcut = { ...HELP, id: "next", keys: "alt+PageDown" };

function known(mac: boolean): Shortcuts {
  const shortcuts = new Shortcuts(mac);
  for (const each of [HELP, SEARCH, NEW, NEXT]) shortcuts.add(each);
  return shortcuts;
}

function press(key: string, held: Partial<KeyPress> = {}): KeyPress {
  const nothing = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, repeat: false };
  return { ...nothing, key, code: `Key${key.toUpperCase()}`, target: document.body, ...held };
}

test.each<[string, boolean, KeyPress, string | null]>([
  ["? anywhere on a keyboard that needs Shift for it", false, press("?", { shiftKey: true }), "help"],
  ["Ctrl+K on Linux", false, press("k", { ctrlKey: true }), "search"],
  ["Ctrl+K with caps lock", false, press("K", { ctrlKey: true }), "search"],
  ["Ctrl+Shift+K, which is the browser's", false, press("K", { ctrlKey: true, shiftKey: true }), null],
  ["⌘K on a Mac", true, press("k", { metaKey: true }), "search"],
  ["Ctrl+K on a Mac, which deletes to the end of the line", true, press("k", { ctrlKey: true }), null],
  ["Alt+N", false, press("n", { altKey: true }), "new"],
  ["AltGr+N, which types a character", false, press("ñ", { altKey: true, ctrlKey: true, code: "KeyN" }), null],
  ["Option+N on a Mac, which types a tilde", true, press("˜", { altKey: true, code: "KeyN" }), null],
  ["Ctrl+Option+N on a Mac", true, press("Dead", { altKey: true, ctrlKey: true, code: "KeyN" }), "new"],
  ["Alt+PageDown", false, press("PageDown", { altKey: true, code: "PageDown" }), "next"],
  ["a key while text is composed", false, press("k", { ctrlKey: true, isComposing: true }), null],
  ["a key that is held down", false, press("k", { ctrlKey: true, repeat: true }), null],
  ["a key that nobody registered", false, press("j", { ctrlKey: true }), null],
])("%s", (_, mac, pressed, id) => {
  expect(known(mac).find(pressed)?.id ?? null).toBe(id);
});

test("a plain key belongs to the field that is being typed in; one with Ctrl does not", () => {
  const target = document.createElement("textarea");
  expect(known(false).find(press("?", { target }))).toBeNull();
  expect(known(false).find(press("k", { target, ctrlKey: true }))?.id).toBe("search");
});

test("keys are named as the platform has them", () => {
  expect(known(false).keysOf(NEW)).toEqual(["Alt", "N"]);
  expect(known(true).keysOf(NEW)).toEqual(["⌃", "⌥", "N"]);
  expect(known(false).keysOf(NEXT)).toEqual(["Alt", "PgDn"]);
  expect(known(true).keysOf(SEARCH)).toEqual(["⌘", "K"]);
});

test("a later shortcut of the same id takes the place, and the earlier one cannot take it away", () => {
  const shortcuts = new Shortcuts(false);
  const dropFirst = shortcuts.add(HELP);
  const dropSecond = shortcuts.add({ ...HELP, keys: "mod+h" });
  dropFirst();
  expect(shortcuts.all.map(({ keys }) => keys)).toEqual(["mod+h"]);
  dropSecond();
  expect(shortcuts.all).toEqual([]);
});

test("a shortcut without an action is listed and handles nothing", () => {
  const shortcuts = new Shortcuts(false);
  shortcuts.add({ id: "delete", keys: "Delete", group: "sessions", label: () => "Close" });
  expect(shortcuts.find(press("Delete", { code: "Delete" }))).toBeNull();
  expect(shortcuts.all).toHaveLength(1);
});

test("a key press on the page runs its shortcut, unless what has the focus handled it", () => {
  const shortcuts = new Shortcuts(false);
  const run = vi.fn();
  shortcuts.add({ ...SEARCH, run });
  const stop = listenForShortcuts(shortcuts);
  const send = () => {
    const event = new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event);
    return event;
  };
  expect(send().defaultPrevented).toBe(true);
  expect(run).toHaveBeenCalledTimes(1);
  const handle = (event: Event) => event.preventDefault();
  document.body.addEventListener("keydown", handle);
  send();
  document.body.removeEventListener("keydown", handle);
  expect(run).toHaveBeenCalledTimes(1);
  stop();
  send();
  expect(run).toHaveBeenCalledTimes(1);
});

test.each([
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", true],
  ["Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)", true],
  ["Mozilla/5.0 (X11; Linux x86_64)", false],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64)", false],
])("%s", (agent, mac) => {
  expect(isMac(agent)).toBe(mac);
});
