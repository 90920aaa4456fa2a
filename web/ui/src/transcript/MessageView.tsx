/** One message of the transcript: who and when, what, how it ended, and what can be done with it. */

import { isUnseen } from "@parley/client";
import type { Approval, Message } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { isQuiet } from "./heads";
import { hintOf } from "./hint";
import { HintedBody } from "./HintedBody";
import { MessageActions } from "./MessageActions";
import { MessageBody } from "./MessageBody";
import { MessageFoot } from "./MessageFoot";
import { MessageHead } from "./MessageHead";

interface Props {
  readonly message: Message;
  readonly position: number;
  /** How many messages the branch has. */
  readonly length: number;
  /** Those of the message's calls. */
  readonly approvals: readonly Approval[];
  readonly results: readonly Message[];
  /** Goes on where the message before ended: its head is there for screen readers only. */
  readonly continued: boolean;
  /** Somebody was led here: shown for a moment. */
  readonly marked: boolean;
}

export function MessageView({ message, position, length, approvals, results, continued, marked }: Props) {
  const words = useTexts().transcript;
  const quiet = isQuiet(message);
  const hint = hintOf(message);
  if (isUnseen(message)) return <p className="quiet-row">{words.loading}</p>;
  const body = <MessageBody message={message} approvals={approvals} results={results} />;
  return (
    <article
      className={classOf(quiet, continued)}
      data-testid="message"
      data-message-id={message.id}
      data-position={position}
      data-role={message.role}
      data-kind={message.kind}
      data-status={message.status}
      data-marked={marked ? "" : undefined}
      aria-busy={message.status === "streaming"}
      aria-posinset={position}
      aria-setsize={length}
      tabIndex={-1}
    >
      {!quiet && <MessageHead message={message} hidden={continued} />}
      {hint === null ? body : <HintedBody id={message.id} hint={hint} kind={message.kind}>{() => body}</HintedBody>}
      <MessageFoot message={message} />
      {message.status !== "streaming" && <MessageActions message={message} position={position} last={position === length} />}
    </article>
  );
}

function classOf(quiet: boolean, continued: boolean): string {
  if (quiet) return "message quiet-message";
  return continued ? "message continued-message" : "message";
}
