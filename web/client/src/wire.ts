/** The shapes of the wire contract as this page uses them. Types only: nothing here runs. */

export type SessionState = "IDLE" | "RUNNING" | "COMPLETED" | "FAILED" | "CANCELLED";

export interface Session {
  readonly id: string;
  readonly projectId: string;
  readonly projectName: string;
  readonly title: string;
  readonly state: SessionState;
  readonly createdAtUtc: string;
  readonly updatedAtUtc: string;
  readonly completedAtUtc: string | null;
  readonly messageCount: number;
  readonly head: number;
  readonly version: number;
}

export type Role = "user" | "agent" | "system";
export type MessageStatus = "streaming" | "complete" | "interrupted" | "error" | "cancelled";

export interface Message {
  readonly id: string;
  readonly ordinal: number;
  readonly role: Role;
  readonly content: string;
  readonly messageType: "text" | "tool" | "status" | "artifact";
  readonly kind: string;
  readonly payload: unknown;
  readonly status: MessageStatus;
  /** How many deltas `content` holds. */
  readonly sequence: number;
  readonly createdAtUtc: string;
  readonly author: string | null;
  readonly clientMessageId?: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** The body was over 64 KiB and did not travel: pull the message by REST. */
  readonly truncated?: boolean | undefined;
  /** Kept by this side: the seq of the last update that came without its body, which is pulled anew for each. */
  readonly revision?: number | undefined;
  /** Kept by this side while the body is being pulled: the deltas that came meanwhile. */
  readonly late?: readonly Delta[] | undefined;
}

export interface Delta {
  readonly sequence: number;
  readonly delta: string;
}

export interface Run {
  readonly id: string;
  readonly sessionId: string;
  readonly state: "queued" | "running" | "awaiting_input" | "completed" | "failed" | "cancelled";
  readonly reason?: string | null;
  readonly startedAtUtc: string | null;
  readonly finishedAtUtc: string | null;
}

export type Risk = "read_only" | "idempotent" | "unsafe";
export type Json = Readonly<Record<string, unknown>>;

export interface ToolCall {
  readonly callId: string;
  readonly name: string;
  readonly arguments: Json;
  readonly risk: Risk;
  readonly status: "pending" | "approved" | "denied" | "executing" | "done";
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  /** What the model wrote, where that was no JSON object. */
  readonly rawArguments?: string | null;
}

export interface ToolResult {
  readonly callId: string;
  readonly name: string;
  readonly status: "ok" | "error" | "denied" | "timeout" | "cancelled" | "interrupted";
  readonly output: string;
  readonly error: string | null;
  readonly durationMs: number;
}

export type ApprovalState = "pending" | "approved" | "denied" | "responded" | "cancelled" | "expired";
export type Decision = "approve" | "edit" | "deny" | "respond";
export type Scope = "once" | "session";

/** A question on which the run waits. `tool` names what would run; the other kinds put `question` to the user. */
export interface Approval {
  readonly id: string;
  readonly kind: "tool" | "question" | "limit";
  readonly state: ApprovalState;
  readonly messageId: string | null;
  readonly callId: string | null;
  readonly tool: string | null;
  readonly arguments: Json | null;
  /** The arguments are too long to be here: the call of the message `messageId` has them. */
  readonly truncated?: boolean;
  readonly risk: string | null;
  /** Absent from older servers. False: asked for each time, whatever the scope. */
  readonly grantable?: boolean;
  readonly question: string | null;
  readonly options: readonly string[];
  readonly requestedAtUtc: string;
  readonly decision: Decision | null;
  readonly scope: Scope | null;
  /** The reason of a denial, or the text of a response. */
  readonly answer: string | null;
  readonly decidedBy: string | null;
  readonly decidedAtUtc: string | null;
}

/** A tool that the user allowed for the rest of the session. */
export interface Grant {
  readonly tool: string;
  readonly grantedBy: string;
  readonly grantedAtUtc: string;
}

export type Mode = "plan" | "act";

export interface ModelInfo {
  readonly name: string;
  readonly tools: boolean;
}

export interface Me {
  readonly userId: string;
  readonly name: string;
}

/** `name` is a state in snake_case; what else is there depends on it. */
export interface ContextState {
  readonly name: string;
  readonly [detail: string]: unknown;
}

/** Something that is always sent to the model: a message, or a text of its own. */
export interface Pin {
  readonly id: string;
  readonly messageId: string | null;
  readonly text: string;
}

export interface PlanItem {
  readonly id: string;
  readonly text: string;
  readonly status: "pending" | "in_progress" | "done" | "dropped";
}

export interface Branch {
  readonly name: string;
  readonly length: number;
  readonly pinsChanged?: boolean;
  readonly planChanged?: boolean;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly estimated: boolean;
}

export interface Snapshot {
  readonly sessionId: string;
  readonly epoch: string;
  readonly head: number;
  readonly session: Session;
  readonly state: ContextState;
  readonly mode: Mode;
  readonly model: string;
  readonly activeBranch: string;
  readonly branches: readonly Branch[];
  /** Those of the active branch, as the plan is. */
  readonly pins: readonly Pin[];
  readonly plan: readonly PlanItem[];
  /** Those that are pending. */
  readonly approvals: readonly Approval[];
  readonly grants: readonly Grant[];
  /** Kept by this side: those that were answered since the snapshot was taken. */
  readonly answered?: readonly Approval[] | undefined;
  readonly usage: Usage;
  readonly run: Run | null;
  readonly queue: readonly Run[];
  readonly messages: readonly Message[];
}

export interface SessionEvent {
  readonly sessionId: string;
  readonly epoch: string;
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  readonly data: unknown;
}

export interface Head {
  readonly sessionId: string;
  readonly epoch: string;
  readonly seq: number;
}

export interface Goodbye {
  readonly code: string;
  readonly retryable: boolean;
  readonly reason: string;
}

/** One change of a watched list: a session as it is now, or the id of one that left. */
export interface ListChange {
  readonly session?: Session;
  readonly removed?: string;
}

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ServerEvents {
  readonly event: SessionEvent;
  readonly head: Head;
  readonly resync: { readonly sessionId: string; readonly reason: string };
  readonly goodbye: Goodbye;
  readonly session: ListChange;
  readonly running: ListChange;
}

export interface JoinAck {
  readonly sessionId: string;
  readonly epoch: string;
  readonly head: number;
  readonly recovered: boolean;
  readonly events: readonly SessionEvent[];
  readonly hasMore: boolean;
  readonly snapshot?: Snapshot | null;
}

/** `arguments` come with edit; `reason` is the reason of deny, or the text of respond. */
export interface Answer {
  readonly sessionId: string;
  readonly approvalId: string;
  readonly decision: Decision;
  readonly arguments?: Json;
  readonly reason?: string;
  readonly scope?: Scope;
}

type Nothing = Readonly<Record<string, never>>;

/** Every call this page makes: what it takes, and what its ack holds beside `ok`. */
export interface Calls {
  readonly join_session: {
    readonly args: { sessionId: string; after?: number; epoch?: string };
    readonly ack: JoinAck;
  };
  readonly leave_session: { readonly args: { sessionId: string }; readonly ack: Nothing };
  readonly send_message: {
    readonly args: { sessionId: string; content: string; clientMessageId: string };
    readonly ack: { messageId: string; seq: number; runId: string | null };
  };
  readonly cancel_run: { readonly args: { sessionId: string }; readonly ack: { cancelled: boolean } };
  readonly resolve_approval: { readonly args: Answer; readonly ack: Nothing };
  readonly watch_sessions: { readonly args: Nothing; readonly ack: { sessions: readonly Session[] } };
  readonly watch_running: { readonly args: Nothing; readonly ack: { sessions: readonly Session[] } };
}

export type CallName = keyof Calls;
export type Ack<N extends CallName> = Calls[N]["ack"];

export interface MessageBatch {
  readonly messages: readonly Message[];
}

export interface ApprovalList {
  readonly approvals: readonly Approval[];
}

export interface ModelList {
  readonly models: readonly ModelInfo[];
}

export interface MessagesPage {
  readonly messages: readonly Message[];
  readonly total: number;
  readonly epoch: string;
  readonly head: number;
}
