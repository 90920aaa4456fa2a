/** Calls of tools with what became of them: one compact line each, arguments and output on demand. */

import { callsOf, resultOf, withArguments } from "@parley/client";
import type { Approval, Message, ToolCall, ToolResult } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { ApprovalView } from "../approvals/ApprovalView";
import { useAnswering } from "../approvals/answering";
import { approvalsOf } from "../approvals/placement";
import { Fold } from "../Fold";
import { fieldsOf, textIn } from "../payload";
import { ToolArguments } from "../ToolArguments";
import { ToolLine } from "../ToolLine";
import { ToolOutput } from "../ToolOutput";
import { visibleLine } from "../visible";

interface RequestProps {
  readonly message: Message;
  /** Those of this message's calls, pending and answered. */
  readonly approvals: readonly Approval[];
  readonly results: readonly Message[];
}

export function ToolRequest({ message, approvals, results }: RequestProps) {
  const words = useTexts().transcript;
  const calls = callsOf(message);
  const server = textIn(fieldsOf(message), "server");
  if (calls.length === 0) return <p className="quiet-row">{visibleLine(message.content) || words.toolsAsked}</p>;
  return (
    <div className="tools">
      {calls.map((call) => (
        <CallView
          key={call.callId}
          call={call}
          server={server}
          approvals={approvalsOf(call.callId, approvals)}
          message={results.find((each) => resultOf(each).callId === call.callId) ?? null}
        />
      ))}
    </div>
  );
}

interface CallProps {
  readonly call: ToolCall;
  readonly server: string;
  /** In the order of asking. */
  readonly approvals: readonly Approval[];
  /** With the result, once there is one. */
  readonly message: Message | null;
}

function CallView({ call, server, approvals, message }: CallProps) {
  const asks = approvals.some(({ state }) => state === "pending");
  return (
    <div className="tool-call" data-testid="tool-call" data-status={call.status} data-call-id={call.callId}>
      {!asks && <CallFold call={call} server={server} message={message} />}
      {approvals.length === 0 && <DecisionLine call={call} />}
      {approvals.map((each) => (
        <ApprovalView key={each.id} approval={withArguments(each, call)} inPlan={call.mode === "plan"} />
      ))}
    </div>
  );
}

function CallFold({ call, server, message }: Omit<CallProps, "approvals">) {
  const result = message === null ? null : resultOf(message);
  const fold = (
    <Fold id={`call ${call.callId}`} summary={<ToolLine call={call} server={server} result={result} />}>
      {() => (
        <>
          <ToolArguments call={call} />
          {message !== null && result !== null && <ToolOutput message={message} result={result} />}
        </>
      )}
    </Fold>
  );
  return result === null ? fold : <ResultFrame result={result}>{fold}</ResultFrame>;
}

/** A result whose request is not loaded, or came without one. */
export function LoneResult({ message }: { message: Message }) {
  const result = resultOf(message);
  const server = textIn(fieldsOf(message), "server");
  return (
    <div className="tools">
      <ResultFrame result={result}>
        <Fold id={`result ${message.id}`} summary={<ToolLine call={null} server={server} result={result} />}>
          {() => <ToolOutput message={message} result={result} />}
        </Fold>
      </ResultFrame>
    </div>
  );
}

function ResultFrame({ result, children }: { result: ToolResult; children: React.ReactNode }) {
  return (
    <div className="tool-result" data-testid="tool-result" data-status={result.status}>
      {children}
    </div>
  );
}

/** By the server's own rules, not by somebody. */
const POLICY = "policy";

/** For a decision whose approval is not at hand: the call knows the essential. The server's own rules go unsaid. */
function DecisionLine({ call }: { call: ToolCall }) {
  const { me } = useAnswering();
  const words = useTexts().transcript;
  if (!call.decidedBy || call.decidedBy === POLICY) return null;
  const who = call.decidedBy === me ? words.byYou : visibleLine(call.decidedBy);
  return <p className="quiet-row">{call.status === "denied" ? words.deniedBy(who) : words.decidedBy(who)}</p>;
}
