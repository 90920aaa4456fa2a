/** What a tool answered: its error in words, its output, and whether the model saw all of it. */

import type { Message, ToolResult } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { CopyButton } from "./CopyButton";
import { OutputText } from "./OutputText";
import { fieldsOf, textIn } from "./payload";
import { visible } from "./visible";

export function ToolOutput({ message, result }: { message: Message; result: ToolResult }) {
  const words = useTexts().transcript;
  const { output, error } = result;
  const said = error !== null && error !== "";
  return (
    <div className="tool-output">
      {said && <p className="said-error">{visible(error)}</p>}
      {output !== "" && (
        <>
          <div className="output-tools">
            <CopyButton text={output} label={words.copyAll} />
          </div>
          <OutputText id={`output ${message.id}`} text={output} />
        </>
      )}
      {output === "" && !said && <p className="quiet-words">{words.noOutput}</p>}
      {textIn(fieldsOf(message), "handle") !== "" && <p className="quiet-words">{words.cutHere}</p>}
    </div>
  );
}
