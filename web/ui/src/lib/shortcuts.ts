/** The keyboard shortcuts of the page: one list, from which keys are handled and the help sheet is drawn. */

import { useEffect, useRef } from "react";
import type { Texts } from "../i18n/texts";

export type ShortcutGroup = "general" | "sessions" | "writing" | "transcript" | "approvals";

export interface Shortcut {
  /** Unique; a later one of the same id takes the place of the earlier. */
  readonly id: string;
  /** Such as "mod+k", "alt+n", "?"; `mod` is ⌘ on Apple's systems and Ctrl elsewhere. */
  readonly keys: string;
  /** In place of `keys` on Apple's systems, where Option and a letter types a character. */
  readonly macKeys?: string;
  readonly group: ShortcutGroup;
  readonly label: (texts: Texts) => string;
  /** Absent where the key is handled by what has the focus: then it is only listed. */
  readonly run?: () => void;
}

interface Chord {
  readonly key: string;
  readonly ctrl: boolean;
  readonly meta: boolean;
  readonly alt: boolean;
  readonly shift: boolean;
}

/** What is needed of a KeyboardEvent. */
export type KeyPress = Pick<
  KeyboardEvent,
  "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "isComposing" | "repeat" | "target"
>;

export function isMac(agent: string = navigator.userAgent): boolean {
  return /Macintosh|iPhone|iPad/.test(agent);
}

export class Shortcuts {
  readonly #known = new Map<string, Shortcut>();
  readonly #mac: boolean;

  constructor(mac: boolean) {
    this.#mac = mac;
  }

  get all(): readonly Shortcut[] {
    return [...this.#known.values()];
  }

  /** Returns the function that takes it away again. */
  add(shortcut: Shortcut): () => void {
    this.#known.set(shortcut.id, shortcut);
    return () => {
      if (this.#known.get(shortcut.id) === shortcut) this.#known.delete(shortcut.id);
    };
  }

  /** The one that a key press means; null while text is being composed, and for plain keys in a field. */
  find(press: KeyPress): Shortcut | null {
    if (press.isComposing || press.repeat) return null;
    const found = this.all.find((shortcut) => shortcut.run && matches(this.#chord(shortcut), press));
    if (found === undefined) return null;
    const { ctrl, meta, alt } = this.#chord(found);
    const plain = !ctrl && !meta && !alt;
    return plain && isField(press.target) ? null : found;
  }

  /** As they are drawn on the keys of this platform. */
  keysOf(shortcut: Shortcut): readonly string[] {
    const { key, ctrl, meta, alt, shift } = this.#chord(shortcut);
    const names = this.#mac
      ? [ctrl && "⌃", alt && "⌥", shift && "⇧", meta && "⌘"]
      : [ctrl && "Ctrl", meta && "Meta", alt && "Alt", shift && "Shift"];
    return [...names.filter((name) => name !== false), keyName(key)];
  }

  #chord({ keys, macKeys }: Shortcut): Chord {
    return parse((this.#mac ? macKeys : undefined) ?? keys, this.#mac);
  }
}

export const shortcuts = new Shortcuts(isMac());

/** Registered for as long as the component is there; `run` may change from one rendering to the next. */
export function useShortcut(shortcut: Shortcut): void {
  const latest = useRef(shortcut);
  useEffect(() => {
    latest.current = shortcut;
  });
  const { id, keys, macKeys, group } = shortcut;
  const listed = shortcut.run === undefined;
  useEffect(
    () =>
      shortcuts.add({
        id,
        keys,
        group,
        ...(macKeys === undefined ? {} : { macKeys }),
        label: (texts) => latest.current.label(texts),
        ...(listed ? {} : { run: () => latest.current.run?.() }),
      }),
    [id, keys, macKeys, group, listed],
  );
}

/** Handles the keys of the whole page. Returns the function that stops it. */
export function listenForShortcuts(known: Shortcuts = shortcuts): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || isBehindDialog()) return;
    const found = known.find(event);
    if (found === null) return;
    event.preventDefault();
    found.run?.();
  };
  document.addEventListener("keydown", onKeyDown);
  return () => document.removeEventListener("keydown", onKeyDown);
}

/** A modal dialog has the keyboard for itself. */
function isBehindDialog(): boolean {
  return document.querySelector("dialog:modal") !== null;
}

function parse(keys: string, mac: boolean): Chord {
  const parts = keys.split("+");
  const key = parts.at(-1) ?? "";
  const has = (name: string) => parts.slice(0, -1).includes(name);
  return {
    key,
    ctrl: has("ctrl") || (!mac && has("mod")),
    meta: mac && has("mod"),
    alt: has("alt"),
    shift: has("shift"),
  };
}

function matches(chord: Chord, press: KeyPress): boolean {
  if (press.ctrlKey !== chord.ctrl || press.metaKey !== chord.meta || press.altKey !== chord.alt) return false;
  // With Option held, the character is another one: the place of the key counts.
  if (/^[a-z]$/.test(chord.key)) {
    const here = chord.alt ? press.code === `Key${chord.key.toUpperCase()}` : press.key.toLowerCase() === chord.key;
    return here && press.shiftKey === chord.shift;
  }
  // A sign such as "?" needs Shift on one keyboard and not on another.
  const isSign = chord.key.length === 1;
  return press.key === chord.key && (isSign || press.shiftKey === chord.shift);
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable='true']") !== null;
}

const KEY_NAMES: Readonly<Record<string, string>> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  PageUp: "PgUp",
  PageDown: "PgDn",
  Escape: "Esc",
  Delete: "Del",
};

function keyName(key: string): string {
  return KEY_NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}
