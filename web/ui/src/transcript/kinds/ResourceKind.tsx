/** What an MCP server gave for an address of its own. */

import { Database } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { Fold } from "../Fold";
import { clock } from "../../i18n/format";
import { OutputText } from "../OutputText";
import { fieldsOf, textIn } from "../payload";
import { visibleLine } from "../visible";

export function ResourceKind({ message }: { message: Message }) {
  const {
    transcript: words,
    common: { locale },
  } = useTexts();
  const fields = fieldsOf(message);
  const at = textIn(fields, "retrievedAt");
  const facts = [words.onServer(visibleLine(textIn(fields, "server"))), visibleLine(textIn(fields, "mimeType"))];
  return (
    <div className="artifact" data-testid="mcp-resource">
      <Fold
        id={`${message.id} resource`}
        summary={
          <>
            <Database size={15} aria-hidden="true" className="kind-icon" />
            <bdi className="mono">{visibleLine(textIn(fields, "uri"))}</bdi>
            <span className="quiet-words">
              {[...facts, at === "" ? "" : clock(at, locale)].filter((fact) => fact !== "").join(" · ")}
            </span>
          </>
        }
      >
        {() => <OutputText id={`${message.id} resource`} text={textIn(fields, "content") || message.content} />}
      </Fold>
    </div>
  );
}
