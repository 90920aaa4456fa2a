/** A session whose context is known: puts its parts together and hands each what it needs. */

import { useEffect, useMemo, useState } from "react";
import { isOutdated } from "@parley/client";
import type { Approval, HubClient, LiveSession, Session, Snapshot, UserStateStore } from "@parley/client";
import { useMedia, useUserState } from "../lib/hooks";
import { usePreferences } from "../lib/preferences";
import { useTexts } from "../i18n/texts";
import { TranscriptActionsContext } from "../transcript/actions";
import { Transcript } from "../transcript/Transcript";
import { AnsweringContext } from "../transcript/approvals/answering";
import { Dock } from "./Dock";
import { DropZone } from "./DropZone";
import { GrantList } from "./GrantList";
import { focusApproval, useJump } from "./jumping";
import type { KnownView } from "./knownView";
import { OutboxList } from "./OutboxList";
import { outboxLines } from "./outboxLines";
import { RejoinBar } from "./RejoinBar";
import { SessionDialogs } from "./SessionDialogs";
import type { OpenDialog } from "./SessionDialogs";
import { sessionCommands } from "./sessionCommands";
import { SessionHeader } from "./SessionHeader";
import { SidePanel } from "./SidePanel";
import { transcriptActions } from "./transcriptActions";
import { useAnsweringOf } from "./useAnsweringOf";
import { useApprovalHistory } from "./useApprovalHistory";
import { useAttachments } from "./useAttachments";
import { useMenuActions } from "./useMenuActions";
import { useModels } from "./useModels";
import { useSessionKeys } from "./useSessionKeys";
import { useStopKey } from "./useStopKey";
import { useWaiting } from "./useWaiting";

interface Props {
  readonly hub: HubClient;
  readonly session: LiveSession;
  readonly view: KnownView;
  readonly connected: boolean;
  readonly state: UserStateStore;
  readonly onDelete: (session: Session) => void;
}

/** From here on there is room for a third column. */
const WIDE = "(min-width: 76rem)";

export function OpenSession({ hub, session, view, connected, state, onDelete }: Props) {
  const texts = useTexts();
  const { snapshot } = view;
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const [sent, setSent] = useState(0);
  const commands = useMemo(() => sessionCommands(session, texts), [session, texts]);
  const answering = useAnsweringOf(hub, session, connected);
  const models = useModels(hub, connected);
  const history = useApprovalHistory(hub, session.sessionId, view.takenAt);
  const attachments = useAttachments(session.sessionId);
  const side = useSide(state);
  const { focus, jump } = useJump(hub, session);
  const menu = useMenuActions({ hub, session, snapshot, onDelete, onDialog: setDialog });
  const busy = snapshot.session.state === "RUNNING";
  const archived = snapshot.state.name === "archived";
  const failed = snapshot.state.name === "error";
  const stop = useStopKey(busy && connected, commands.stop);
  const actions = useMemo(
    () => transcriptActions(snapshot, hub.userId, commands, setDialog),
    // Actions hang on little of the snapshot: a delta must not draw the transcript anew.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [snapshot.pins, failed, busy, archived, hub, commands],
  );
  useDocumentTitle(snapshot);

  const showApproval = (approval: Approval) => {
    if (focusApproval(approval.id) || approval.messageId === null) return;
    void jump(approval.messageId).then(() => focusApproval(approval.id));
  };
  const waiting = useWaiting(snapshot.approvals, showApproval);
  const { sendKey } = usePreferences();
  const fork = () => setDialog({ kind: "fork", messageId: null });
  useSessionKeys({
    snapshot,
    commands,
    sendKey,
    onSide: side.toggle,
    onNextWaiting: () => waiting.step(1),
    onFork: fork,
    onExport: menu.onExport,
    onPrompt: menu.onPrompt,
  });
  return (
    <DropZone disabled={archived} onFiles={attachments.addFiles} onKeyDown={stop.onKeyDown}>
      <SessionHeader
        snapshot={snapshot}
        connected={connected}
        models={models}
        people={view.presence.participants}
        peopleCount={view.presence.count}
        me={hub.userId}
        commands={commands}
        menu={menu}
        sideOpen={side.open}
        onSide={side.toggle}
        onRename={(title, was) => rename(hub, session.sessionId, title, was)}
        onMerge={(source) => setDialog({ kind: "merge", source })}
        onFork={fork}
      />
      {view.phase === "failed" && <RejoinBar session={session} text={view.error ?? texts.session.page.cannotFollow} />}
      <GrantList grants={snapshot.grants} onRevoke={commands.revoke} />
      <div className="session-body">
        <div className="session-main">
          <AnsweringContext value={answering}>
            <TranscriptActionsContext value={actions}>
              <Transcript snapshot={snapshot} history={history} store={session.history} sent={sent} focus={focus}>
                <OutboxList
                  entries={outboxLines(view.outbox, texts.session.queue)}
                  onRetry={(id) => session.retrySending(id)}
                  onDiscard={(id) => session.discard(id)}
                />
              </Transcript>
            </TranscriptActionsContext>
          </AnsweringContext>
          <Dock
            session={session}
            view={view}
            me={hub.userId}
            connected={connected}
            commands={commands}
            attachments={attachments}
            sendKey={sendKey}
            stopping={stop.stopping}
            escaped={stop.escaped}
            onStop={stop.stop}
            onSent={() => setSent((before) => before + 1)}
            onDialog={setDialog}
            waiting={waiting}
          />
        </div>
        {side.open && (
          <SidePanel
            snapshot={snapshot}
            wide={side.wide}
            disabled={!connected || archived}
            commands={commands}
            onJump={(messageId) => void jump(messageId)}
            onClose={side.toggle}
          />
        )}
      </div>
      {dialog !== null && (
        <SessionDialogs
          dialog={dialog}
          hub={hub}
          session={session}
          snapshot={snapshot}
          commands={commands}
          attachments={attachments}
          onClose={() => setDialog(null)}
        />
      )}
    </DropZone>
  );
}

/** Where there is room it is the user's choice, everywhere; else a sheet that is open only as long as it is needed. */
function useSide(state: UserStateStore) {
  const wide = useMedia(WIDE);
  const docked = useUserState(state).ui["side"] === "open";
  const [sheet, setSheet] = useState(false);
  const open = wide ? docked : sheet;
  const toggle = () => (wide ? void state.update({ ui: { side: open ? "closed" : "open" } }) : setSheet(!open));
  return { wide, open, toggle };
}

/** Only if the title still is what it was: other edits of the session are none of a title's business. */
async function rename(hub: HubClient, sessionId: string, title: string, was: Session): Promise<unknown> {
  try {
    return await hub.rest.renameSession(sessionId, title, was.version);
  } catch (error) {
    if (!isOutdated(error)) throw error;
    const now = await hub.rest.session(sessionId);
    if (now.title !== was.title) throw error;
    return hub.rest.renameSession(sessionId, title, now.version);
  }
}

function useDocumentTitle(snapshot: Snapshot): void {
  const { untitled } = useTexts().common;
  const { title } = snapshot.session;
  const whole = `${titleMark(snapshot)}${title === "" ? untitled : title} · Parley`;
  useEffect(() => {
    document.title = whole;
    return () => {
      document.title = "Parley";
    };
  }, [whole]);
}

/** Seen on a tab in the background: at work, or waiting for an answer. */
function titleMark({ session, approvals }: Snapshot): string {
  if (approvals.length > 0) return "? ";
  return session.state === "RUNNING" ? "○ " : "";
}
