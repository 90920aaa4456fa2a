/** How a card answers its approval: what it needs of the page, and what became of its answer. */

import { createContext, useContext, useState } from "react";
import type { Answer, Json } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { refusalWords } from "./approvalWords";

export type Given = Omit<Answer, "sessionId" | "approvalId">;

export interface Answering {
  readonly connected: boolean;
  /** This client's user, as the server names it. */
  readonly me: string | null;
  readonly send: (answer: Omit<Answer, "sessionId">) => Promise<unknown>;
  /** The JSON schema of a tool's arguments; null where the server has none. Never rejects. */
  readonly parametersOf: (tool: string) => Promise<Json | null>;
}

const NOWHERE: Answering = {
  connected: false,
  me: null,
  send: () => Promise.reject(new Error("Nothing to answer here")),
  parametersOf: () => Promise.resolve(null),
};

export const AnsweringContext = createContext(NOWHERE);

export function useAnswering(): Answering {
  return useContext(AnsweringContext);
}

/** `answer` sends one answer at a time; `refusal` says why the last one did not count. `afterwards` may put the focus
 * somewhere: the card that had it goes away. */
export function useAnswer(approvalId: string, afterwards: () => void) {
  const { connected, me, send } = useAnswering();
  const { approvals } = useTexts().session;
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const answer = (given: Given) => {
    setBusy(true);
    setRefusal(null);
    send({ approvalId, ...given })
      .then(afterwards, (error: unknown) => setRefusal(refusalWords(error, me, approvals)))
      .finally(() => setBusy(false));
  };
  return { answer, refusal, disabled: busy || !connected };
}
