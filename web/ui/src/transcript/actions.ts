/** What a reader can do with a message of the transcript. The session page provides it; nothing is done here. */

import { createContext, useContext } from "react";
import type { Message } from "@parley/client";

/** An action that is null has no button: it is not possible now, or not for this reader. */
export interface TranscriptActions {
  /** The messages that are pinned, by id. */
  readonly pinned: ReadonlySet<string>;
  /** A branch of its own that ends with the message; `position` counts from 1 on the active branch. */
  readonly fork: ((message: Message, position: number) => void) | null;
  readonly pin: ((message: Message) => void) | null;
  readonly unpin: ((message: Message) => void) | null;
  /** Offered on the reader's own messages. */
  readonly editAndResend: ((message: Message, position: number) => void) | null;
  /** Offered on the last message of the branch only. */
  readonly retry: ((message: Message) => void) | null;
}

export const NO_ACTIONS: TranscriptActions = {
  pinned: new Set(),
  fork: null,
  pin: null,
  unpin: null,
  editAndResend: null,
  retry: null,
};

export const TranscriptActionsContext = createContext(NO_ACTIONS);

export function useTranscriptActions(): TranscriptActions {
  return useContext(TranscriptActionsContext);
}

/** A place in the branch to go to and to show briefly. A new object is a new wish, also for the same position. */
export interface Focus {
  readonly position: number;
}
