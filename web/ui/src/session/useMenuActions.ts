/** What the session's menu does beside renaming and archiving. */

import { useRef } from "react";
import type { HubClient, LiveSession, Session, Snapshot } from "@parley/client";
import { attempt } from "../lib/attempt";
import { linkTo } from "../lib/address";
import { toasts } from "../lib/toasts";
import { useTexts } from "../i18n/texts";
import { saveFile } from "./saveFile";
import type { OpenDialog } from "./SessionDialogs";
import type { SessionMenuActions } from "./SessionMenu";
import { allMessages, asMarkdown, fileName } from "./transcriptExport";

interface Place {
  readonly hub: HubClient;
  readonly session: LiveSession;
  readonly snapshot: Snapshot;
  readonly onDelete: (session: Session) => void;
  readonly onDialog: (dialog: OpenDialog) => void;
}

export function useMenuActions(place: Place): Omit<SessionMenuActions, "onRename" | "onArchive" | "onUnarchive"> {
  const { hub, session, snapshot, onDelete, onDialog } = place;
  const { header, exported } = useTexts().session;
  const exporting = useRef(false);
  const exportAll = async () => {
    const { messageCount } = snapshot.session;
    const pageBefore = (position: number) => hub.rest.messagesBefore(session.sessionId, position);
    const messages = await allMessages(pageBefore, messageCount);
    saveFile(fileName(snapshot.session), asMarkdown(snapshot.session, messages, exported));
  };
  return {
    onDelete: () => onDelete(snapshot.session),
    onCopyLink: () => {
      navigator.clipboard.writeText(linkTo(session.sessionId)).then(
        () => toasts.show(header.linkCopied),
        () => toasts.error(header.copyFailed),
      );
    },
    onExport: () => {
      // A long session takes a while: a second click meanwhile is no second file.
      if (exporting.current) return;
      exporting.current = true;
      void attempt(exportAll()).finally(() => (exporting.current = false));
    },
    onPrompt: () => onDialog({ kind: "prompt" }),
    onBranchPrompt: () => onDialog({ kind: "branch-prompt", branch: snapshot.activeBranch }),
  };
}
