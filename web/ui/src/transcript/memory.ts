/** What a reader opened and unfolded. A row that leaves the view is gone from the page; what was open in it is not. */

import { createContext, useContext, useState } from "react";

export const MemoryContext = createContext<Map<string, unknown>>(new Map());

/** As useState, kept under `key` for as long as the transcript is there. */
export function useKept<T>(key: string, initial: T): readonly [T, (value: T) => void] {
  const memory = useContext(MemoryContext);
  const [value, setValue] = useState(() => (memory.has(key) ? (memory.get(key) as T) : initial));
  const keep = (next: T) => {
    memory.set(key, next);
    setValue(next);
  };
  return [value, keep];
}
