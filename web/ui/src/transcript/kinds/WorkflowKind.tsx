/** A workflow at work: its steps with what became of each. */

import { Ban, Check, Circle, CircleDashed, LoaderCircle, Pause, Workflow, X } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { Fold } from "../Fold";
import { OutputText } from "../OutputText";
import { asFields, fieldsOf, listIn, numberIn, textIn } from "../payload";
import type { Fields } from "../payload";
import { visible, visibleLine } from "../visible";

const MARKS: Readonly<Record<string, LucideIcon>> = {
  pending: Circle,
  running: LoaderCircle,
  paused: Pause,
  done: Check,
  completed: Check,
  failed: X,
  skipped: CircleDashed,
  cancelled: Ban,
};
const OVER = new Set(["done", "failed", "skipped", "cancelled"]);

export function WorkflowKind({ message }: { message: Message }) {
  const words = useTexts().transcript.workflow;
  const fields = fieldsOf(message);
  const steps = listIn(fields, "steps").map(asFields);
  const over = steps.filter((step) => OVER.has(textIn(step, "status"))).length;
  const status = textIn(fields, "status");
  const [result, error] = [textIn(fields, "result"), textIn(fields, "error")];
  return (
    <div className="artifact workflow" data-testid="workflow" data-status={status}>
      <p className="artifact-line">
        <Workflow size={15} aria-hidden="true" className="kind-icon" />
        <span className="fold-title">{words.title}</span>
        <bdi className="mono">{visibleLine(textIn(fields, "name"))}</bdi>
        <span className="quiet-words">
          {words.progress(over, steps.length)} · {wordFor(words.status, status)}
        </span>
      </p>
      <progress value={over} max={Math.max(1, steps.length)} aria-label={words.title} />
      <ol className="steps" aria-label={words.steps}>
        {steps.map((step, index) => (
          <StepView key={index} id={`${message.id} step ${index}`} step={step} />
        ))}
      </ol>
      {result !== "" && (
        <Fold id={`${message.id} result`} summary={<span className="fold-title">{words.result}</span>}>
          {() => <OutputText id={`${message.id} result`} text={result} />}
        </Fold>
      )}
      {error !== "" && <p className="said-error">{visible(error)}</p>}
    </div>
  );
}

function StepView({ id, step }: { id: string; step: Fields }) {
  const words = useTexts().transcript.workflow;
  const status = textIn(step, "status");
  const Mark = MARKS[status] ?? Circle;
  const [output, error, tool] = [textIn(step, "output"), textIn(step, "error"), textIn(step, "tool")];
  const attempts = numberIn(step, "attempts") ?? 0;
  const line = (
    <>
      <Mark size={14} aria-hidden="true" className="step-mark" />
      <bdi className="step-name">{visibleLine(textIn(step, "id"))}</bdi>
      {tool !== "" && <bdi className="mono quiet-words">{visibleLine(tool)}</bdi>}
      <span className="quiet-words">
        {wordFor(words.step, status)}
        {attempts > 1 && ` · ${words.attempts(attempts)}`}
      </span>
    </>
  );
  return (
    <li data-status={status} data-inner={textIn(step, "group") !== "" ? "" : undefined}>
      {output === "" ? <p className="artifact-line">{line}</p> : <StepOutput id={id} line={line} text={output} />}
      {error !== "" && <p className="said-error">{visible(error)}</p>}
    </li>
  );
}

function StepOutput({ id, line, text }: { id: string; line: React.ReactNode; text: string }) {
  return (
    <Fold id={id} summary={line}>
      {() => <OutputText id={id} text={text} />}
    </Fold>
  );
}

function wordFor(words: Readonly<Record<string, string>>, status: string): string {
  return words[status] ?? status;
}
