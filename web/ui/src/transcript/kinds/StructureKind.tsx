/** What a project consists of: a tree, a list of files, or what it depends on. */

import { FolderTree } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { Fold } from "../Fold";
import { LongText } from "../LongText";
import { fieldsOf, listIn, textIn } from "../payload";
import { visible, visibleLine } from "../visible";

const STEP = 16_000;
// Opened at once where that takes no more room than a paragraph.
const SHORT_LINES = 12;

export function StructureKind({ message }: { message: Message }) {
  const words = useTexts().transcript.structure;
  const fields = fieldsOf(message);
  const content = textIn(fields, "content") || message.content;
  const excluded = listIn(fields, "excluded").filter((name) => typeof name === "string");
  const lines = content.trimEnd().split("\n").length;
  return (
    <div className="artifact" data-testid="project-structure">
      <Fold
        id={`${message.id} structure`}
        open={lines <= SHORT_LINES}
        summary={
          <>
            <FolderTree size={15} aria-hidden="true" className="kind-icon" />
            <span className="fold-title">{titleOf(textIn(fields, "type"), words)}</span>
            <bdi className="mono">{visibleLine(textIn(fields, "root"))}</bdi>
            <span className="quiet-words">{words.entries(lines)}</span>
          </>
        }
      >
        {() => (
          <>
            <LongText id={`${message.id} structure`} text={content} step={STEP}>
              {(shown) => <pre className="tree">{visible(shown)}</pre>}
            </LongText>
            {excluded.length > 0 && <p className="quiet-words">{words.excluded(visibleLine(excluded.join(", ")))}</p>}
          </>
        )}
      </Fold>
    </div>
  );
}

interface Titles {
  readonly tree: string;
  readonly files: string;
  readonly dependencies: string;
}

function titleOf(type: string, words: Titles): string {
  return type === "files" ? words.files : type === "dependencies" ? words.dependencies : words.tree;
}
