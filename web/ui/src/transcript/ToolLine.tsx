/** One line for a call and its result: what ran, with what, how it ended, how long it took. */

import { Ban, Check, CircleDashed, LoaderCircle, ShieldAlert, X } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { ToolCall, ToolResult } from "@parley/client";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { duration } from "./format";
import { placesCount } from "./places";
import { argumentsLine, firstLine } from "./toolLines";
import { visibleLine } from "./visible";

interface Props {
  /** Null for a result that stands alone. */
  readonly call: ToolCall | null;
  /** The MCP server that has the tool, or empty. */
  readonly server: string;
  readonly result: ToolResult | null;
}

const RESULT_MARKS: Readonly<Record<string, LucideIcon>> = { ok: Check, denied: Ban, cancelled: Ban };
const CALL_MARKS: Readonly<Record<string, LucideIcon>> = { executing: LoaderCircle, denied: Ban, done: Check };

export function ToolLine({ call, server, result }: Props) {
  const words = useTexts().transcript;
  const outcome = result?.status ?? call?.status ?? "pending";
  const Mark = result === null ? (CALL_MARKS[outcome] ?? CircleDashed) : (RESULT_MARKS[outcome] ?? X);
  return (
    <>
      <Mark
        size={14}
        aria-hidden="true"
        className={outcome === "executing" ? "tool-mark spinning" : "tool-mark"}
        data-outcome={outcome}
      />
      <bdi className="tool-name">{visibleLine(call?.name ?? result?.name ?? "")}</bdi>
      {server !== "" && <bdi className="tool-server">{words.onServer(visibleLine(server))}</bdi>}
      <bdi className="tool-line">{middleOf(call, result)}</bdi>
      {call !== null && call.risk !== "read_only" && <RiskMark risk={call.risk} />}
      <span className="tool-status">{statusOf(call, result, words)}</span>
    </>
  );
}

/** The arguments say what was wanted; of an error the reader wants to know why. */
function middleOf(call: ToolCall | null, result: ToolResult | null): string {
  if (result !== null && result.status !== "ok" && result.error) return visibleLine(firstLine(result.error));
  return visibleLine(call === null ? firstLine(result?.output ?? "") : argumentsLine(call));
}

function RiskMark({ risk }: { risk: string }) {
  const words = useTexts().transcript;
  const known: Readonly<Record<string, string>> = words.risk;
  const text = known[risk] ?? words.riskUnknown;
  return (
    <span className="tool-risk" data-risk={risk} title={text}>
      <ShieldAlert size={14} role="img" aria-label={text} />
    </span>
  );
}

function statusOf(call: ToolCall | null, result: ToolResult | null, words: Texts["transcript"]): string {
  if (result === null) return call === null || call.status === "done" ? "" : words.call[call.status];
  const took = result.durationMs > 0 ? duration(result.durationMs, words) : "";
  if (result.status === "ok") return [foundIn(result, words), took].filter((part) => part !== "").join(" · ");
  return [words.result[result.status], took].filter((part) => part !== "").join(" · ");
}

function foundIn({ output }: ToolResult, words: Texts["transcript"]): string {
  const found = placesCount(output);
  return found === null ? "" : words.matches(found.places, found.files);
}
