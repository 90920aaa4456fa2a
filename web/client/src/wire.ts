/** The shapes of the wire contract: names for what is generated from the server's models, and what this side keeps
 * beside it. Types only: nothing here runs, and nothing that the server defines is written again. */

import type { components } from "./generated/api.ts";

type Schemas = components["schemas"];

export type Json = Readonly<Record<string, unknown>>;

export type Project = Schemas["Project"];
export type Session = Schemas["Session"];
export type SessionState = Session["state"];
export type Run = Schemas["Run"];
export type Usage = Schemas["Usage"];
export type Branch = Schemas["BranchView"];
export type Pin = Schemas["Pin"];
export type PlanItem = Schemas["PlanItem-Output"];
export type Participant = Schemas["ParticipantView"];
/** A user as a broadcast names them. */
export type Sender = Schemas["Sender"];

/** The states that were known when this was generated, told apart by `name`. */
export type KnownState = Schemas["ContextStateChanged"]["state"];

/** `name` is a state in snake_case, perhaps of a newer server; what else is there depends on it. */
export interface ContextState {
  readonly name: string;
  readonly [detail: string]: unknown;
}

/** Told apart by `kind`. */
export type Payload = NonNullable<Schemas["Message"]["payload"]>;
export type PayloadOf<K extends Payload["kind"]> = Extract<Payload, { readonly kind: K }>;
export type ToolCall = Schemas["ToolCall"];
export type Risk = ToolCall["risk"];
export type ToolResult = Omit<Schemas["ToolResultPayload"], "kind" | "v" | "handle">;
export type Metadata = Schemas["Message"]["metadata"];
export type Role = Schemas["Message"]["role"];
export type MessageStatus = Schemas["Message"]["status"];
/** `unseen`: it came with a branch, by its id alone, and is still being pulled. */
export type MessageKind = Schemas["Message"]["kind"] | "unseen";

/** `sequence` is how many deltas `content` holds; `truncated`: the body did not travel and is being pulled. */
export interface Message extends Omit<Schemas["Message"], "kind" | "truncated"> {
  readonly kind: MessageKind;
  readonly truncated?: boolean | undefined;
  /** Kept by this side: the seq of the last update that came without its body, which is pulled anew for each. */
  readonly revision?: number | undefined;
  /** Kept by this side while the body is being pulled: the deltas that came meanwhile. */
  readonly late?: readonly Delta[] | undefined;
}

export type Delta = Pick<Schemas["MessageDelta"], "sequence" | "delta">;

/** A question on which the run waits. `tool` names what would run; the other kinds put `question` to the user. */
export type Approval = Schemas["Approval"];
export type ApprovalState = Approval["state"];
export type Decision = NonNullable<Approval["decision"]>;
export type Scope = NonNullable<Approval["scope"]>;
/** A tool that the user allowed for the rest of the session. */
export type Grant = Schemas["Grant"];

export type Mode = Schemas["Snapshot"]["mode"];
export type ModelInfo = Schemas["ModelView"];
export type Me = Schemas["Me"];

/** `pins`, `plan` and `messages` are those of the active branch; `approvals` those that are pending. */
export interface Snapshot extends Omit<Schemas["Snapshot"], "messages" | "state"> {
  readonly state: ContextState;
  readonly messages: readonly Message[];
  /** Kept by this side: the approvals that were answered since the snapshot was taken. */
  readonly answered?: readonly Approval[] | undefined;
}

/** Who did what an event tells, where that is known. */
export type Actor = Schemas["Actor"];
/** An event of the journal, of a type that this client may not know. */
export type SessionEvent = Omit<Schemas["EventEnvelope"], "data"> & { readonly data: unknown };
/** The types that were known when this was generated, told apart by `type`. */
export type KnownEvent = Schemas["JournalEvent"];
export type EventType = KnownEvent["type"];
export type EventOf<T extends EventType> = Extract<KnownEvent, { readonly type: T }>;
export type EventData<T extends EventType> = EventOf<T>["data"];

export type SignalEvent = Schemas["SignalEvent"];
/** What is compared of a head: its position, and that of the list of participants. */
export type Head = Omit<Schemas["HeadEvent"], "state" | "presenceVersion"> &
  Partial<Pick<Schemas["HeadEvent"], "presenceVersion">>;
export type Goodbye = Schemas["GoodbyeEvent"];
/** One change of a watched list: a session as it is now, or the id of one that left. */
export type ListChange = Schemas["ListEvent"];
export type PresenceChange = Schemas["PresenceEvent"];
export type Broadcast = Schemas["BroadcastEvent"];
export type WireError = Schemas["SocketError"];

/** What a user's clients share; `version` 0: never written. */
export type UserState = Schemas["UserState"];
/** RFC 7396: a null takes a key away, or puts a preference back to its default. */
export type UserStatePatch = Omit<Schemas["PatchUserState"], "expectedVersion">;
export type Preferences = UserState["preferences"];

export type ServerEvents = Omit<Schemas["ServerEvents"], "head"> & {
  readonly event: SessionEvent;
  readonly head: Head;
};

export type JoinAck = Omit<Schemas["JoinAck"], "events" | "snapshot" | "participants" | "presenceVersion"> & {
  /** In signal mode they are signals, without data. */
  readonly events: readonly SessionEvent[];
  readonly snapshot?: Snapshot | null;
} & Partial<Pick<Schemas["JoinAck"], "participants" | "presenceVersion">>;

type SocketCalls = Schemas["SocketCalls"];
export type CallName = keyof SocketCalls;
/** What a call takes. */
export type Args<N extends CallName> = SocketCalls[N]["args"];
/** What the ack of a call holds beside `ok`. */
export type Ack<N extends CallName> = N extends "join_session" ? JoinAck : SocketCalls[N]["ack"];

/** `arguments` come with edit; `reason` is the reason of deny, or the text of respond. */
export type Answer = Args<"resolve_approval">;
/** A message as a client writes it. */
export type Outgoing = Omit<Args<"send_message">, "sessionId">;
export type OnBusy = NonNullable<Outgoing["onBusy"]>;
/** What became of a message that was sent. */
export type Sent = Ack<"send_message">;

export interface MessageBatch {
  readonly messages: readonly Message[];
}
export type ApprovalList = Schemas["ApprovalList"];
export type SearchAnswer = Schemas["SearchAnswer"];
export type SearchResult = Schemas["SearchResult"];
/** A page of a list of sessions. */
export type SessionsPage = Schemas["SessionList"];
export type ModelList = Schemas["ModelList"];
export type BranchList = Schemas["BranchList"];
export type EventPage = Omit<Schemas["EventPageAnswer"], "events"> & { readonly events: readonly SessionEvent[] };
export type MergeAnswer = Schemas["MergeAnswer"];
export type ForkOptions = Schemas["ForkBody"];
export type MergeOptions = Omit<Schemas["MergeBody"], "preview">;
export type ToolList = Schemas["ToolList"];
export type WorkflowList = Schemas["WorkflowList"];
export type PromptAnswer = Schemas["PromptAnswer"];

/** A page of a branch, oldest first. */
export interface MessagesPage extends Omit<Schemas["MessagePageAnswer"], "messages" | "firstPosition"> {
  readonly messages: readonly Message[];
}
