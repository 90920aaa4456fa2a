/** What a reader can do with the messages of an open session, as the transcript wants to know it. Pure. */

import type { Snapshot } from "@parley/client";
import type { TranscriptActions } from "../transcript/actions";
import type { OpenDialog } from "./SessionDialogs";
import type { SessionCommands } from "./sessionCommands";

export function transcriptActions(
  snapshot: Snapshot,
  me: string | null,
  commands: SessionCommands,
  onDialog: (dialog: OpenDialog) => void,
): TranscriptActions {
  const { pins, session, state } = snapshot;
  const archived = state.name === "archived";
  // A run writes to the branch that was open when it began: nobody leaves it meanwhile.
  const still = session.state !== "RUNNING" && !archived;
  return {
    pinned: new Set(pins.map(({ messageId }) => messageId).filter((id) => id !== null)),
    fork: still ? (message) => onDialog({ kind: "fork", messageId: message.id }) : null,
    pin: archived ? null : (message) => commands.pinMessage(message.id),
    unpin: archived
      ? null
      : (message) => {
          const pin = pins.find(({ messageId }) => messageId === message.id);
          if (pin !== undefined) commands.unpin(pin.id);
        },
    editAndResend: still
      ? (message) => {
          if (message.author === me) onDialog({ kind: "edit", messageId: message.id, text: message.content });
        }
      : null,
    retry: state.name === "error" ? () => void commands.retry() : null,
  };
}
