/** The open session's entries in the page's lists of shortcuts and of commands. */

import type { Snapshot } from "@parley/client";
import { useCommand } from "../lib/commands";
import { useShortcut } from "../lib/shortcuts";
import type { SessionCommands } from "./sessionCommands";

interface Place {
  readonly snapshot: Snapshot;
  readonly commands: SessionCommands;
  readonly sendKey: "enter" | "mod-enter";
  readonly onSide: () => void;
  readonly onNextWaiting: () => void;
  readonly onFork: () => void;
  readonly onExport: () => void;
  readonly onPrompt: () => void;
}

export function useSessionKeys(place: Place): void {
  useKeys(place);
  useCommands(place);
}

function useKeys({ sendKey, onSide, onNextWaiting }: Place): void {
  const writing = { group: "writing" } as const;
  const approvals = { group: "approvals" } as const;
  const send = sendKey === "enter" ? "Enter" : "mod+Enter";
  const lineBreak = sendKey === "enter" ? "shift+Enter" : "Enter";
  useShortcut({ ...writing, id: "send", keys: send, label: (t) => t.session.keys.send });
  useShortcut({ ...writing, id: "line-break", keys: lineBreak, label: (t) => t.session.keys.lineBreak });
  useShortcut({ ...writing, id: "stop", keys: "Escape", label: (t) => t.session.keys.stop });
  useShortcut({
    ...writing,
    id: "write",
    keys: "alt+i",
    macKeys: "ctrl+alt+i",
    label: (t) => t.session.keys.write,
    run: () => document.querySelector<HTMLElement>(".composer textarea")?.focus(),
  });
  useShortcut({
    ...writing,
    id: "side",
    keys: "alt+l",
    macKeys: "ctrl+alt+l",
    label: (t) => t.session.header.showSide,
    run: onSide,
  });
  useShortcut({ ...approvals, id: "approve", keys: "a", label: (t) => t.session.keys.approve });
  useShortcut({ ...approvals, id: "deny", keys: "d", label: (t) => t.session.keys.deny });
  useShortcut({
    ...approvals,
    id: "next-waiting",
    keys: "alt+a",
    macKeys: "ctrl+alt+a",
    label: (t) => t.session.approvals.next,
    run: onNextWaiting,
  });
}

function useCommands({ snapshot, commands, onSide, onFork, onExport, onPrompt }: Place): void {
  const { mode, state, session } = snapshot;
  const archived = state.name === "archived";
  const still = session.state !== "RUNNING";
  const other = mode === "plan" ? "act" : "plan";
  useCommand({
    id: "mode",
    label: (t) => (other === "plan" ? t.session.keys.toPlan : t.session.keys.toAct),
    run: () => commands.setMode(other),
  });
  useCommand({ id: "side", label: (t) => t.session.header.showSide, run: onSide });
  useCommand(still && !archived ? { id: "fork", label: (t) => t.session.branches.new, run: onFork } : null);
  useCommand({ id: "export", label: (t) => t.session.header.export, run: onExport });
  useCommand({ id: "prompt", label: (t) => t.session.header.prompt, run: onPrompt });
  useCommand(
    archived
      ? { id: "unarchive", label: (t) => t.session.header.unarchive, run: commands.unarchive }
      : still
        ? { id: "archive", label: (t) => t.session.header.archive, run: commands.archive }
        : null,
  );
}
