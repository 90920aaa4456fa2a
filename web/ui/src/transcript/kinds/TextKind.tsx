/** What somebody wrote, in Markdown or as it is. A reply that streams is here, too. */

import { useState } from "react";
import type { Message } from "@parley/client";
import { LongText } from "../LongText";
import { Markdown } from "../markdown/Markdown";
import { fieldsOf, textIn } from "../payload";

const FIRST = 32_000;
// A reply that is being written is followed to its end, up to a length that nobody follows.
const FIRST_WHILE_GROWING = 200_000;

export function TextKind({ message }: { message: Message }) {
  const growing = message.status === "streaming";
  const [step] = useState(growing ? FIRST_WHILE_GROWING : FIRST);
  const plain = textIn(fieldsOf(message), "format") === "plain";
  return (
    <LongText id={message.id} text={message.content} step={step}>
      {(shown) => (
        <div className="message-text" data-testid="message-text">
          {plain ? (
            <p className="as-written" dir="auto">
              {shown}
            </p>
          ) : (
            <Markdown text={shown} breaks={message.role === "user"} growing={growing} />
          )}
        </div>
      )}
    </LongText>
  );
}
