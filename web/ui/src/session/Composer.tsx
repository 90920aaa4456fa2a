/** Where a message is written and sent, and a run is stopped. What was typed stays until it is on its way. */

import { useEffect, useRef, useState } from "react";
import type { ClipboardEvent, KeyboardEvent } from "react";
import { Square } from "lucide-react";
import { isMac } from "../lib/shortcuts";
import { useTexts } from "../i18n/texts";
import { AttachMenu } from "./AttachMenu";
import { AttachmentChips } from "./AttachmentChips";
import { MESSAGE_BYTES, messagesOf, sizeOf } from "./attachments";
import type { OnBusy, OutgoingMessage } from "./attachments";
import { loadDraft, saveDraft } from "./drafts";
import { bytesText } from "../i18n/numbers";
import { SendButton } from "./SendButton";
import type { Attachments } from "./useAttachments";

export type SendKey = "enter" | "mod-enter";

interface Props {
  readonly sessionId: string;
  readonly connected: boolean;
  readonly archived: boolean;
  /** A run is at work or waits. */
  readonly busy: boolean;
  readonly stopping: boolean;
  readonly sendKey: SendKey;
  readonly attachments: Attachments;
  readonly onSend: (messages: readonly OutgoingMessage[]) => void;
  readonly onStop: () => void;
  readonly onTyping: (on: boolean) => void;
  readonly onWorkflow: () => void;
  readonly onReference: () => void;
}

const MOST_ROWS = 12;
// Safari ends a composition just before the key that ended it arrives.
const COMPOSED_MS = 50;

export function Composer(props: Props) {
  const { sessionId, attachments, archived, busy } = props;
  const { composer, locale } = useTexts().session;
  const [text, setText] = useState(() => loadDraft(sessionId));
  const [onBusy, setOnBusy] = useState<OnBusy>("enqueue");
  const [error, setError] = useState<string | null>(null);
  const composedAt = useRef(-Infinity);
  const field = useFocusOnPointerDevices();
  useEffect(() => saveDraft(sessionId, text), [sessionId, text]);

  const type = (next: string) => {
    setText(next);
    setError(null);
    props.onTyping(next !== "");
  };
  const empty = text.trim() === "" && attachments.list.length === 0;
  const canSend = !archived && !empty && attachments.reading === 0;
  const send = () => {
    if (!canSend) return;
    const messages = messagesOf(text, attachments.list, onBusy, busy);
    if (messages.some(({ content = "" }) => sizeOf(content) > MESSAGE_BYTES)) {
      setError(composer.tooLong(bytesText(MESSAGE_BYTES, locale)));
      return;
    }
    props.onSend(messages);
    type("");
    attachments.clear();
    setOnBusy("enqueue");
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isSendKey(event, props.sendKey) || event.timeStamp - composedAt.current < COMPOSED_MS) return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    attachments.addFiles(files);
  };

  return (
    <div className="composer-area">
      {error !== null && (
        <p className="composer-error" role="alert" data-testid="composer-error">
          {error}
        </p>
      )}
      <div className="composer" data-archived={archived ? "" : undefined}>
        <AttachmentChips attachments={attachments} />
        <textarea
          ref={field}
          aria-label={composer.label}
          data-testid="composer"
          dir="auto"
          placeholder={placeholder(props, composer)}
          rows={Math.min(MOST_ROWS, text.split("\n").length)}
          value={text}
          disabled={archived}
          onChange={(event) => type(event.target.value)}
          onBlur={() => props.onTyping(false)}
          onKeyDown={onKeyDown}
          onCompositionEnd={(event) => (composedAt.current = event.timeStamp)}
          onPaste={onPaste}
        />
        <div className="composer-row">
          <AttachMenu
            disabled={archived}
            onFiles={attachments.addFiles}
            onReference={props.onReference}
            onWorkflow={props.onWorkflow}
          />
          <span className="composer-hint" aria-hidden="true">
            {props.sendKey === "enter" ? composer.enterSends : composer.modEnterSends(isMac() ? "⌘" : "Ctrl")}
          </span>
          {busy && (
            <button
              type="button"
              className="stop"
              title={composer.stopHint}
              onClick={props.onStop}
              disabled={!props.connected || props.stopping}
              data-testid="stop"
            >
              <Square size={12} aria-hidden="true" />
              {composer.stop}
            </button>
          )}
          <SendButton busy={busy} disabled={!canSend} onBusy={onBusy} onChoose={setOnBusy} onSend={send} />
        </div>
      </div>
    </div>
  );
}

function placeholder({ archived, connected }: Props, words: ReturnType<typeof useTexts>["session"]["composer"]): string {
  if (archived) return words.archived;
  return connected ? words.placeholder : words.offline;
}

/** An Enter that picks a word from an input method's list sends nothing. */
function isSendKey(event: KeyboardEvent, sendKey: SendKey): boolean {
  if (event.key !== "Enter" || event.nativeEvent.isComposing) return false;
  const mod = event.ctrlKey || event.metaKey;
  return sendKey === "enter" ? !event.shiftKey && !event.altKey : mod;
}

/** On a touch screen the focus would bring up the keyboard over half of the transcript. */
function useFocusOnPointerDevices() {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (window.matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, []);
  return field;
}
