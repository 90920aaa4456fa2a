/** What the palette can do when `>` is typed: one list, to which every part of the page adds its own. */

import { useEffect, useRef } from "react";
import type { Texts } from "../i18n/texts";

export interface Command {
  /** Unique; a later one of the same id takes the place of the earlier. */
  readonly id: string;
  readonly label: (texts: Texts) => string;
  readonly run: () => void;
}

export class Commands {
  readonly #known = new Map<string, Command>();

  get all(): readonly Command[] {
    return [...this.#known.values()];
  }

  /** Returns the function that takes it away again. */
  add(command: Command): () => void {
    this.#known.set(command.id, command);
    return () => {
      if (this.#known.get(command.id) === command) this.#known.delete(command.id);
    };
  }

  /** Those whose label has every word of `typed`, in the order they were added. */
  matching(typed: string, texts: Texts): readonly Command[] {
    const words = typed.toLowerCase().split(/\s+/);
    return this.all.filter((command) => {
      const label = command.label(texts).toLowerCase();
      return words.every((word) => label.includes(word));
    });
  }
}

export const commands = new Commands();

/** In the palette for as long as the component is there; null takes it out. */
export function useCommand(command: Command | null): void {
  const latest = useRef(command);
  useEffect(() => {
    latest.current = command;
  });
  const id = command?.id ?? null;
  useEffect(() => {
    if (id === null) return;
    return commands.add({
      id,
      label: (texts) => latest.current?.label(texts) ?? "",
      run: () => latest.current?.run(),
    });
  }, [id]);
}
