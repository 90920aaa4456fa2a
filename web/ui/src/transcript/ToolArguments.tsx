/** The arguments of a call, beside the model's own where somebody changed them: an edit of a file as what goes and what
 * comes, anything else by name. */

import { useMemo } from "react";
import type { Json, ToolCall } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { DiffView } from "./approvals/DiffView";
import { toolDiff } from "./approvals/toolDiff";
import type { ToolDiff } from "./approvals/toolDiff";
import { pretty } from "./json";
import { LongText } from "./LongText";
import { visible, visibleLine } from "./visible";

const STEP = 4_000;
const NAMES_MAX = 60;

export function ToolArguments({ call }: { call: ToolCall }) {
  const words = useTexts().transcript;
  const { callId, rawArguments: raw, originalArguments: original } = call;
  if (typeof raw === "string") {
    return (
      <div className="arguments-list">
        <p className="quiet-words">{words.rawArguments}</p>
        <Value id={`${callId} raw`} value={raw} />
      </div>
    );
  }
  if (original == null) return <Arguments id={callId} given={call.arguments} label={words.arguments} />;
  return (
    <>
      <Arguments id={callId} given={call.arguments} label={words.arguments} />
      <div data-testid="models-arguments">
        <p className="quiet-words">{words.modelsArguments}</p>
        <Arguments id={`${callId} original`} given={original} label={words.modelsArguments} />
      </div>
    </>
  );
}

interface ArgumentsProps {
  readonly id: string;
  readonly given: Json;
  readonly label: string;
}

function Arguments({ id, given, label }: ArgumentsProps) {
  const diff = useMemo(() => visibleDiff(given), [given]);
  const entries = Object.entries(given).slice(0, NAMES_MAX);
  if (diff !== null) return <DiffView diff={diff} />;
  if (entries.length === 0) return null;
  return (
    <dl className="arguments-list" aria-label={label}>
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>
            <bdi>{visibleLine(name)}</bdi>
          </dt>
          <dd>
            <Value id={`${id} ${name}`} value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Null for what is no edit of a file. */
function visibleDiff(given: Json): ToolDiff | null {
  const diff = toolDiff(given);
  if (diff === null) return null;
  const lines = diff.lines.map(({ kind, text }) => ({ kind, text: visible(text) }));
  return { ...diff, path: visibleLine(diff.path), lines };
}

function Value({ id, value }: { id: string; value: unknown }) {
  return (
    <LongText id={id} text={typeof value === "string" ? value : pretty(value)} step={STEP}>
      {(shown) => (
        <div className="value" dir="ltr">
          {visible(shown)}
        </div>
      )}
    </LongText>
  );
}
