/** How a message ended, in words where it did not end well; and what a reply took, quietly. */

import type { Message } from "@parley/client";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { duration } from "./format";
import { asFields, fieldsOf, numberIn, textIn } from "./payload";
import { visible, visibleLine } from "./visible";

export function MessageFoot({ message }: { message: Message }) {
  const words = useTexts().transcript;
  const ended = endingOf(message, words);
  const facts = message.kind === "streaming_response" ? factsOf(message, words) : [];
  if (ended === null && facts.length === 0) return null;
  return (
    <footer className="message-foot">
      {ended !== null && (
        <p className="message-status" data-status={message.status}>
          {ended}
        </p>
      )}
      {facts.length > 0 && <p className="message-facts">{facts.join(" · ")}</p>}
    </footer>
  );
}

/** Null where there is nothing to say. */
function endingOf(message: Message, words: Texts["transcript"]): string | null {
  switch (message.status) {
    case "streaming":
    case "complete":
      return null;
    case "interrupted":
      return words.interrupted;
    case "cancelled":
      return words.cancelled;
    case "error":
      return failure(textIn(fieldsOf(message), "finishReason"), words);
  }
}

function failure(reason: string, words: Texts["transcript"]): string {
  const why = reason.replace(/^error:\s*/, "");
  return why === "" ? words.failed : words.failedWith(visible(why));
}

function factsOf(message: Message, words: Texts["transcript"]): readonly string[] {
  const fields = fieldsOf(message);
  const usage = asFields(fields["usage"]);
  const [tokens, took] = [numberIn(usage, "outputTokens"), numberIn(fields, "totalDurationMs")];
  const facts = [
    visibleLine(textIn(fields, "model")),
    tokens === null ? "" : words.tokens(tokens, usage["estimated"] === true),
    took === null ? "" : duration(took, words),
    message.status === "complete" ? finishOf(textIn(fields, "finishReason"), words) : "",
  ];
  return message.status === "streaming" ? [] : facts.filter((fact) => fact !== "");
}

/** An ordinary end goes unsaid. */
function finishOf(reason: string, words: Texts["transcript"]): string {
  switch (reason) {
    case "":
    case "stop":
    case "end_turn":
    case "tool_calls":
    case "tool_use":
      return "";
    case "length":
    case "max_tokens":
      return words.lengthReached;
    case "content_filter":
      return words.filtered;
    default:
      return words.finished(visibleLine(reason));
  }
}
