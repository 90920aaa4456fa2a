/** What stands under the transcript: who types, what waits, what failed, and where one writes. */

import type { LiveSession } from "@parley/client";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { Composer } from "./Composer";
import type { SendKey } from "./Composer";
import { FailureBar } from "./FailureBar";
import type { KnownView } from "./knownView";
import { QueueList } from "./QueueList";
import { lastOwnMessage } from "./sessionCommands";
import type { SessionCommands } from "./sessionCommands";
import type { OpenDialog } from "./SessionDialogs";
import type { Attachments } from "./useAttachments";
import type { Waiting } from "./useWaiting";
import { WaitingJump } from "./WaitingJump";

interface Props {
  readonly session: LiveSession;
  readonly view: KnownView;
  readonly me: string | null;
  readonly connected: boolean;
  readonly commands: SessionCommands;
  readonly attachments: Attachments;
  readonly sendKey: SendKey;
  readonly stopping: boolean;
  /** Escape was pressed once. */
  readonly escaped: boolean;
  readonly onStop: () => void;
  readonly onSent: () => void;
  readonly onDialog: (dialog: OpenDialog) => void;
  readonly waiting: Waiting;
}

export function Dock(props: Props) {
  const { session, view, connected, commands, onDialog } = props;
  const { snapshot } = view;
  const words = useTexts().session;
  const archived = snapshot.state.name === "archived";
  const last = lastOwnMessage(snapshot, props.me);
  const editLast = () => last !== null && onDialog({ kind: "edit", messageId: last.id, text: last.content });
  return (
    <div className="dock">
      <div className="dock-status">
        <p className="typing" role="status" data-testid="typing">
          {props.escaped ? words.composer.escapeAgain : typingText(view, props.me, words.people)}
        </p>
        <WaitingJump {...props.waiting} />
      </div>
      <QueueList
        queue={snapshot.queue}
        messages={snapshot.messages}
        disabled={!connected}
        onRemove={commands.removeQueued}
      />
      <FailureBar
        state={snapshot.state}
        connected={connected}
        onRetry={commands.retry}
        onEditAndResend={last === null ? null : editLast}
      />
      {archived && (
        <div className="archived-bar" role="status" data-testid="archived">
          <span>{words.page.archived}</span>
          <button type="button" onClick={commands.unarchive} disabled={!connected}>
            {words.page.unarchive}
          </button>
        </div>
      )}
      <Composer
        sessionId={session.sessionId}
        connected={connected}
        archived={archived}
        busy={snapshot.session.state === "RUNNING"}
        stopping={props.stopping}
        sendKey={props.sendKey}
        attachments={props.attachments}
        onSend={(messages) => {
          props.onSent();
          commands.send(messages);
        }}
        onStop={props.onStop}
        onTyping={(on) => session.setTyping(on)}
        onWorkflow={() => onDialog({ kind: "workflow" })}
        onReference={() => onDialog({ kind: "reference" })}
      />
    </div>
  );
}

/** A user who types in two tabs is one who types; one's own other window is named last, when nobody else types. */
function typingText({ typing }: KnownView, me: string | null, words: Texts["session"]["people"]): string {
  const names = new Map(typing.map(({ userId, name }) => [userId, name]));
  const mine = me !== null && names.delete(me);
  if (names.size > 0) return words.typing([...names.values()]);
  return mine ? words.typingElsewhere : "";
}
