/** Asks the worker to colour code, one piece at a time, and keeps what it answered. Gives up on slow ones. */

import { useEffect, useState } from "react";
import type { HighlightAnswer, Run } from "./runs";

/** Longer code stays plain: its many elements would cost more than the colours are worth. */
export const HIGHLIGHT_MAX_CHARS = 50_000;
const KEPT = 200;
// A grammar that needs longer than this does not come to an end.
const TIMEOUT_MS = 3_000;

type Runs = readonly Run[] | null;

const kept = new Map<string, Runs>();
let worker: Worker | null = null;
let turn: Promise<unknown> = Promise.resolve();
let lastId = 0;

/** The coloured code, or null: not yet, not wanted, or nobody here knows the language. */
export function useHighlight(code: string, language: string, wanted: boolean): Runs {
  const key = `${language}\n${code}`;
  const [found, setFound] = useState<{ readonly key: string; readonly runs: Runs } | null>(null);
  const asks = wanted && language !== "" && code.length <= HIGHLIGHT_MAX_CHARS && typeof Worker !== "undefined";
  useEffect(() => {
    if (!asks || kept.has(key)) return;
    const asked = new AbortController();
    const isLate = () => asked.signal.aborted;
    turn = turn.then(async () => {
      if (isLate()) return;
      keep(key, kept.get(key) ?? (await ask(language, code)));
      if (!isLate()) setFound({ key, runs: kept.get(key) ?? null });
    });
    return () => asked.abort();
  }, [asks, key, language, code]);
  if (!asks) return null;
  return found?.key === key ? found.runs : (kept.get(key) ?? null);
}

function keep(key: string, runs: Runs): void {
  kept.delete(key);
  kept.set(key, runs);
  const [oldest] = kept.keys();
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
}

/** Never rejects: code without colours is code, too. */
function ask(language: string, code: string): Promise<Runs> {
  worker ??= new Worker(new URL("./highlight.worker.ts", import.meta.url), { type: "module" });
  const asked = worker;
  const id = ++lastId;
  return new Promise((resolve) => {
    const end = (runs: Runs, broken: boolean) => {
      clearTimeout(timer);
      if (broken) {
        asked.terminate();
        worker = null;
      }
      resolve(runs);
    };
    const timer = setTimeout(() => end(null, true), TIMEOUT_MS);
    asked.onmessage = ({ data }: MessageEvent<HighlightAnswer>) => data.id === id && end(data.runs, false);
    asked.onerror = () => end(null, true);
    asked.postMessage({ id, language, code });
  });
}
