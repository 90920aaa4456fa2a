/** How a card answers its approval: what it needs of the page, and what became of its answer. */

import { createContext, useContext, useState } from "react";
import type { Answer } from "@parley/client";
import { refusalWords } from "../transcript/toolWords";

export interface Answering {
  readonly connected: boolean;
  /** This client's user, as the server names it. */
  readonly me: string | null;
  readonly send: (answer: Omit<Answer, "sessionId">) => Promise<unknown>;
}

const NOWHERE: Answering = {
  connected: false,
  me: null,
  send: () => Promise.reject(new Error("Nothing to answer here")),
};

export const AnsweringContext = createContext(NOWHERE);

export function useAnswering(): Answering {
  return useContext(AnsweringContext);
}

/** `answer` sends one answer at a time; `refusal` says why the last one did not count. `afterwards` may put the focus
 * somewhere: the card that had it goes away. */
export function useAnswer(approvalId: string, afterwards: () => void) {
  const { connected, me, send } = useAnswering();
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const answer = (given: Omit<Answer, "sessionId" | "approvalId">) => {
    setBusy(true);
    setRefusal(null);
    send({ approvalId, ...given })
      .then(afterwards, (error: unknown) => setRefusal(refusalWords(error, me)))
      .finally(() => setBusy(false));
  };
  return { answer, refusal, disabled: busy || !connected };
}
