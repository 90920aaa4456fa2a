/** The tool messages of the transcript: calls with what the user decided of them, and results. One line each. */

import { callsOf, resultOf, withArguments } from "@parley/client";
import type { Approval, Message, ToolCall } from "@parley/client";
import { useAnswering } from "../session/answering";
import { ApprovalView } from "../session/ApprovalView";
import { Collapsible } from "../parts/Collapsible";
import {
  CALL_WORDS,
  POLICY,
  argumentsLine,
  byWords,
  firstLine,
  outcomeWords,
} from "./toolWords";

interface RequestProps {
  readonly message: Message;
  /** Those of this message's calls, pending and answered. */
  readonly approvals: readonly Approval[];
}

export function ToolRequest({ message, approvals }: RequestProps) {
  const calls = callsOf(message);
  if (calls.length === 0) return <p className="quiet-line">{message.content || "Tools were asked for"}</p>;
  return (
    <>
      {calls.map((call) => (
        <CallView
          key={call.callId}
          call={call}
          approval={approvals.find(({ callId }) => callId === call.callId) ?? null}
        />
      ))}
    </>
  );
}

function CallView({ call, approval }: { call: ToolCall; approval: Approval | null }) {
  const asks = approval?.state === "pending";
  return (
    <div className="tool-call" data-testid="tool-call" data-status={call.status} data-call-id={call.callId}>
      {!asks && (
        <Collapsible summary={<CallLine call={call} />}>
          {() => <pre>{call.rawArguments ?? JSON.stringify(call.arguments, null, 2)}</pre>}
        </Collapsible>
      )}
      {approval === null ? (
        <DecisionLine call={call} />
      ) : (
        <ApprovalView key={approval.id} approval={withArguments(approval, call)} />
      )}
    </div>
  );
}

function CallLine({ call }: { call: ToolCall }) {
  return (
    <>
      <span className="tool-name">{call.name}</span>
      <span className="tool-line">{argumentsLine(call)}</span>
      <span className="tool-status">{CALL_WORDS[call.status]}</span>
    </>
  );
}

/** For a decision whose approval is not at hand: the call knows the essential. The server's own rules go unsaid. */
function DecisionLine({ call }: { call: ToolCall }) {
  const { me } = useAnswering();
  if (call.decidedBy === null || call.decidedBy === POLICY) return null;
  const decided = call.status === "denied" ? "Denied" : "Decided";
  return <p className="quiet-line">{decided + byWords(call.decidedBy, me)}</p>;
}

export function ToolResultView({ message }: { message: Message }) {
  const result = resultOf(message);
  const { status, output, error } = result;
  const text = status === "ok" || error === null ? output : error;
  return (
    <div className="tool-result" data-testid="tool-result" data-status={status}>
      <Collapsible
        summary={
          <>
            <span className="tool-mark" aria-hidden="true">
              {status === "ok" ? "✓" : "✗"}
            </span>
            <span className="tool-name">{result.name}</span>
            <span className="tool-line">{firstLine(text)}</span>
            <span className="tool-status">{outcomeWords(result)}</span>
          </>
        }
      >
        {() => (
          <>
            {error !== null && error !== "" && <pre className="tool-error">{error}</pre>}
            {output !== "" && <pre tabIndex={0}>{output}</pre>}
            {output === "" && (error === null || error === "") && <p className="quiet-line">It said nothing.</p>}
          </>
        )}
      </Collapsible>
    </div>
  );
}
