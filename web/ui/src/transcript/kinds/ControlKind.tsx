/** What was done to the session itself, in one quiet line: another mode, branch or model, a merge, a summary. */

import { ArrowLeftRight, Cpu, FileInput, GitBranch, GitMerge, ScrollText } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import type { Texts } from "../../i18n/texts";
import { LongText } from "../LongText";
import { Markdown } from "../markdown/Markdown";
import { asFields, fieldsOf, listIn, numberIn, textIn } from "../payload";
import type { Fields } from "../payload";
import { visibleLine } from "../visible";

const ICONS: Readonly<Record<string, LucideIcon>> = {
  mode_switch: ArrowLeftRight,
  branch_switch: GitBranch,
  merge: GitMerge,
  summary: ScrollText,
  context_injection: FileInput,
  model_switch: Cpu,
};
const STEP = 16_000;

export function ControlKind({ message }: { message: Message }) {
  const words = useTexts().transcript.control;
  const fields = fieldsOf(message);
  const control = textIn(fields, "control");
  const Icon = ICONS[control] ?? ArrowLeftRight;
  const line = lineFor(control, asFields(fields["parameters"]), words);
  return (
    <div data-testid="system-control" data-control={control}>
      <p className="quiet-row">
        <Icon size={14} aria-hidden="true" />
        <span dir="auto">{line === "" ? visibleLine(message.content) : line}</span>
      </p>
      {line !== "" && message.content !== "" && (
        <LongText id={message.id} text={message.content} step={STEP}>
          {(shown) => (
            <div className="message-text summary-text" data-testid="message-text">
              <Markdown text={shown} />
            </div>
          )}
        </LongText>
      )}
    </div>
  );
}

function lineFor(control: string, parameters: Fields, words: Texts["transcript"]["control"]): string {
  const named = (...names: string[]) => visibleLine(names.map((name) => textIn(parameters, name)).join(""));
  switch (control) {
    case "mode_switch":
      return modeLine(named("mode", "to"), words);
    case "branch_switch":
      return words.toBranch(named("branch", "name", "to"));
    case "merge":
      return words.merged(named("source", "branch"), numberIn(parameters, "count") ?? countOf(parameters));
    case "summary":
      return named("source") === "" ? words.summary : words.summaryOf(named("source"));
    case "context_injection":
      return words.injected;
    case "model_switch":
      return words.toModel(named("model", "to"));
    default:
      return "";
  }
}

function modeLine(mode: string, words: Texts["transcript"]["control"]): string {
  return mode === "plan" ? words.toPlan : mode === "act" ? words.toAct : words.toMode(mode);
}

function countOf(parameters: Fields): number | null {
  const messages = listIn(parameters, "messages");
  return messages.length > 0 ? messages.length : null;
}
