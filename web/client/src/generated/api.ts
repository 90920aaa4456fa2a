/** Made of the server's models by `npm run generate`. Never edited by hand. */

export interface paths {
    readonly "/api/projects": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** All projects, oldest first. */
        readonly get: operations["listProjects"];
        readonly put?: never;
        /** A new project. */
        readonly post: operations["createProject"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/projects/{projectId}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** One project. */
        readonly get: operations["getProject"];
        readonly put?: never;
        readonly post?: never;
        /** Deletes a project without sessions. */
        readonly delete: operations["deleteProject"];
        readonly options?: never;
        readonly head?: never;
        /** Renames a project. */
        readonly patch: operations["editProject"];
        readonly trace?: never;
    };
    readonly "/api/projects/{projectId}/current-session": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /** Says which session of a project is the current one. */
        readonly put: operations["setCurrentSession"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/projects/{projectId}/sessions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** A project's sessions, sorted and filtered; the 500 that changed last unless asked otherwise. */
        readonly get: operations["listProjectSessions"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The sessions of all projects, or of one, sorted and filtered. */
        readonly get: operations["listSessions"];
        readonly put?: never;
        /** A new session, in the Inbox unless a project is named. */
        readonly post: operations["createSession"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/search": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Full text over titles and messages. */
        readonly get: operations["search"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions/running": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The sessions of all projects in which a run is queued or at work, the 500 that changed last. */
        readonly get: operations["listRunningSessions"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions/{sessionId}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** One session. */
        readonly get: operations["getSession"];
        readonly put?: never;
        readonly post?: never;
        /** Deletes a session and cancels its run; it can be restored for 30 days, unless purged. */
        readonly delete: operations["deleteSession"];
        readonly options?: never;
        readonly head?: never;
        /** Renames a session. */
        readonly patch: operations["editSession"];
        readonly trace?: never;
    };
    readonly "/api/sessions/{sessionId}/restore": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Brings a deleted session back. */
        readonly post: operations["restoreSession"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions/{sessionId}/messages": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** A page of a session's messages. When those over 64 KiB come to more than 8 MiB, headers stand for them, with `truncated` and `size`. */
        readonly get: operations["listMessages"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions/{sessionId}/events": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The events after a position, in order. */
        readonly get: operations["listEvents"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions/{sessionId}/runs": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** A session's runs. */
        readonly get: operations["listRuns"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions/{sessionId}/branches": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** A session's branches. */
        readonly get: operations["listBranches"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions/{sessionId}/approvals": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** What the user was asked, and the tools that need no asking. */
        readonly get: operations["listApprovals"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/sessions/{sessionId}/participants": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Who is connected to a session. */
        readonly get: operations["listParticipants"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The whole context with its newest 50 messages. */
        readonly get: operations["getContext"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/metadata": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The context without its messages. */
        readonly get: operations["getContextMetadata"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/messages": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Messages by id, whole; several come to 32 MiB at most: ask for fewer at once. */
        readonly get: operations["getContextMessages"];
        readonly put?: never;
        /**
         * Deprecated: the action send_message. Sends a message, which starts a run.
         * @deprecated
         */
        readonly post: operations["postMessage"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/messages/{messageId}/streaming-chunks": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The chunks of a streamed message after a sequence number; on demand with their intervals in milliseconds. */
        readonly get: operations["listStreamingChunks"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/send_message": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Sends a message, which starts a run. */
        readonly post: operations["sendMessage"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/cancel": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Cancels the run, and what is queued unless a run is named. */
        readonly post: operations["cancelRun"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/set_model": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Chooses the model for what comes next. */
        readonly post: operations["setModel"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/set_mode": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Plan (tools that read) or act (all tools). */
        readonly post: operations["setMode"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/retry": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Runs again for the newest message of a user. */
        readonly post: operations["retry"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/archive": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Puts the session away: it can be read, forked, restored and deleted; nothing else is taken. */
        readonly post: operations["archive"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/restore": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Takes an archived session up again. */
        readonly post: operations["unarchive"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/resolve_approval": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Answers an approval; the first answer wins. */
        readonly post: operations["resolveApproval"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/revoke_grant": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Asks again for a tool that was allowed for the session. */
        readonly post: operations["revokeGrant"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/fork": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Forks a branch at a message, whichever branch that is on. */
        readonly post: operations["fork"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/switch_branch": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Makes another branch the active one. */
        readonly post: operations["switchBranch"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/merge": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Merges a branch into the active one, or shows what that would do. */
        readonly post: operations["merge"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/set_branch_prompt": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Gives a branch a system prompt of its own. */
        readonly post: operations["setBranchPrompt"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/pin": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Pins a message or a text: it is always sent to the model. */
        readonly post: operations["pin"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/unpin": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Removes a pin. */
        readonly post: operations["unpin"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/actions/set_plan": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Replaces the plan. */
        readonly post: operations["setPlan"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/prompt": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The system prompt as it would be sent now, part by part. */
        readonly get: operations["getPrompt"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/contexts/{sessionId}/view": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** All that the next request would send to the model, with its tokens, and what is left out and why. */
        readonly get: operations["getView"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/workflows": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The workflows, by name. */
        readonly get: operations["listWorkflows"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/workflows/{name}/execute": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Sends a message whose run executes the workflow, in a new session unless one is named. */
        readonly post: operations["executeWorkflow"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/tools/execute": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Deprecated: execute a workflow. Calls one tool, in a new session unless one is named, and waits for its result for 30 seconds. What has to be asked for waits for its approval.
         * @deprecated
         */
        readonly post: operations["executeTool"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/batch/send_messages": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Sends many messages, to one session or several, in their order; each is answered. */
        readonly post: operations["sendMany"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/batch/fetch": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Many sessions, and messages of many sessions, up to 32 MiB; each item is answered. */
        readonly post: operations["fetchMany"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/batch/delete_sessions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Deletes many sessions; each is answered. */
        readonly post: operations["deleteMany"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/me": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Who is asking. */
        readonly get: operations["getMe"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/me/state": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** What the user has open and prefers; version 0 was never written. */
        readonly get: operations["getUserState"];
        /** Replaces the user's state; what is left out goes back to its default. */
        readonly put: operations["replaceUserState"];
        readonly post?: never;
        /** Puts the user's state back to the defaults. */
        readonly delete: operations["resetUserState"];
        readonly options?: never;
        readonly head?: never;
        /** Merges a patch (RFC 7396) into the user's state; null removes. */
        readonly patch: operations["patchUserState"];
        readonly trace?: never;
    };
    readonly "/api/models": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The models to choose from. */
        readonly get: operations["listModels"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/tools": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The tools, and why some can't be used. */
        readonly get: operations["listTools"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/tools/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        /** Switches a tool off or on, for everybody, as long as the server runs. */
        readonly patch: operations["switchTool"];
        readonly trace?: never;
    };
    readonly "/api/openapi.json": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** This document. */
        readonly get: operations["getOpenapi"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/metrics": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Numbers for Prometheus. */
        readonly get: operations["getMetrics"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/healthz": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Does the process answer? */
        readonly get: operations["getHealth"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/readyz": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Can it work? If not, the error says why. */
        readonly get: operations["getReadiness"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Nothing is in progress inside the context; a run may be between two steps. */
        readonly Active: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "active";
        };
        /** @description `onBehalfOf` is the id of the user who asked for the run that an agent carries out. */
        readonly Actor: {
            readonly id: string;
            readonly name: string;
            /** @enum {string} */
            readonly kind: "user" | "agent" | "server" | "unknown";
            /** @default null */
            readonly onBehalfOf?: string | null;
        };
        /**
         * @description `tool`: `callId`, `tool`, `arguments` and `risk` say what would run, `messageId` where it was asked for.
         *     With `grantable` false it is asked for each time, and can't be allowed for the session. `originalArguments` are the
         *     model's where the user put others in their place. A `question` beside a tool says why it is asked for again.
         *     `question` and `limit`: `question` is put to the user, who responds with text. `answer` is the reason of a denial
         *     or the text of a response. With `truncated` its arguments are too long to travel here.
         */
        readonly Approval: {
            readonly id: string;
            readonly sessionId: string;
            readonly runId: string;
            /** @enum {string} */
            readonly kind: "tool" | "question" | "limit";
            /**
             * @default pending
             * @enum {string}
             */
            readonly state: "pending" | "approved" | "denied" | "responded" | "cancelled" | "expired";
            /** @default null */
            readonly messageId: string | null;
            /** @default null */
            readonly callId: string | null;
            /** @default null */
            readonly tool: string | null;
            /** @default null */
            readonly arguments: {
                readonly [key: string]: unknown;
            } | null;
            /** @default null */
            readonly originalArguments?: {
                readonly [key: string]: unknown;
            } | null;
            /** @default null */
            readonly risk: string | null;
            /** @default true */
            readonly grantable: boolean;
            /** @default null */
            readonly question: string | null;
            /** @default [] */
            readonly options: readonly string[];
            /** @default null */
            readonly key: string | null;
            readonly requestedAtUtc: string;
            /** @default null */
            readonly expiresAtUtc: string | null;
            /** @default null */
            readonly decision: ("approve" | "edit" | "deny" | "respond") | null;
            /** @default null */
            readonly scope: ("once" | "session") | null;
            /** @default null */
            readonly answer: string | null;
            /** @default null */
            readonly decidedBy: string | null;
            /** @default null */
            readonly decidedAtUtc: string | null;
            /** @default false */
            readonly truncated?: boolean;
        };
        /** @description `arguments` come with edit, `reason` is the reason of deny or the text of respond. */
        readonly ApprovalAnswer: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly approvalId: string;
            /** @enum {string} */
            readonly decision: "approve" | "edit" | "deny" | "respond";
            /** @default null */
            readonly arguments?: {
                readonly [key: string]: unknown;
            } | null;
            /** @default null */
            readonly reason?: string | null;
            /**
             * @default once
             * @enum {string}
             */
            readonly scope?: "once" | "session";
        };
        /** @description All of the session, oldest first, those that were answered too; and the tools that need none. */
        readonly ApprovalList: {
            readonly approvals: readonly components["schemas"]["Approval"][];
            readonly grants: readonly components["schemas"]["Grant"][];
        };
        readonly ApprovalRequestedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "approval.requested";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["ApprovalTravels"];
        };
        readonly ApprovalResolvedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "approval.resolved";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["ApprovalTravels"];
        };
        /** @description A grant was taken back: the tool is asked for again. */
        readonly ApprovalRevoked: {
            /** @default null */
            readonly version?: number | null;
            readonly tool: string;
        };
        readonly ApprovalRevokedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "approval.revoked";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["ApprovalRevoked"];
        };
        readonly ApprovalTravels: {
            readonly approval: components["schemas"]["Approval"];
        };
        /** @description Put away: readable, nothing can be said until it is restored. */
        readonly Archived: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "archived";
        };
        /**
         * @description A model was asked and has not answered yet. With `retry_at_utc` it failed, as `reason` says, and is asked again
         *     then: at once when another model is chosen or the run is tried again. Both are left out otherwise.
         */
        readonly AwaitingLLM: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "awaiting_llm";
            readonly requestId: string;
            /** @default null */
            readonly retryAtUtc?: string | null;
            /** @default null */
            readonly reason?: string | null;
        };
        /** @description The run can't go on without the user: approvals are pending, a question was asked, or a limit was reached. */
        readonly AwaitingUser: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "awaiting_user";
            /** @enum {string} */
            readonly reason: "tool" | "question" | "limit";
            readonly approvalIds: readonly string[];
        };
        /**
         * @description The parent's path up to `forkedAt`, then its own; `length` counts both. `pinsChanged` and `planChanged` say
         *     whether they were touched since the fork: a merge asks when both sides did.
         */
        readonly Branch: {
            readonly name: string;
            /** @default null */
            readonly parent: string | null;
            /** @default 0 */
            readonly forkedAt: number;
            /** @default 0 */
            readonly length: number;
            /** @default null */
            readonly systemPrompt: string | null;
            /** @default [] */
            readonly pins: readonly components["schemas"]["Pin"][];
            /** @default [] */
            readonly plan: readonly components["schemas"]["PlanItem-Output"][];
            /** @default false */
            readonly pinsChanged: boolean;
            /** @default false */
            readonly planChanged: boolean;
            readonly createdAtUtc: string;
        };
        readonly BranchCreatedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "branch.created";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["BranchTravels"];
        };
        readonly BranchList: {
            readonly activeBranch: string;
            readonly branches: readonly components["schemas"]["Branch"][];
        };
        readonly BranchMergedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "branch.merged";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["MergeTravels"];
        };
        /** @description The branch that was made or is active now; `version` is the session's from here on. */
        readonly BranchName: {
            readonly name: string;
            readonly version: number;
        };
        readonly BranchPromptBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly branch: string;
            /** @default null */
            readonly systemPrompt?: string | null;
        };
        /**
         * @description `messageIds` are the newest 50 of the branch that is active now; pull those that you don't have. `pins` and
         *     `plan` are that branch's.
         */
        readonly BranchSwitched: {
            /** @default null */
            readonly version?: number | null;
            readonly name: string;
            readonly messageIds: readonly string[];
            /** @default [] */
            readonly pins: readonly components["schemas"]["Pin"][];
            /** @default [] */
            readonly plan: readonly components["schemas"]["PlanItem-Output"][];
        };
        readonly BranchSwitchedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "branch.switched";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["BranchSwitched"];
        };
        /** @description `version` is the session's from here on, as in every edit's data. */
        readonly BranchTravels: {
            readonly branch: components["schemas"]["BranchView"];
            /** @default null */
            readonly version?: number | null;
        };
        readonly BranchUpdatedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "branch.updated";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["BranchTravels"];
        };
        /**
         * @description A branch without its pins and its plan: those of the active one stand beside it. With `truncated` its system
         *     prompt is left out too.
         */
        readonly BranchView: {
            readonly name: string;
            readonly parent: string | null;
            readonly forkedAt: number;
            readonly length: number;
            readonly systemPrompt: string | null;
            readonly pinsChanged: boolean;
            readonly planChanged: boolean;
            readonly createdAtUtc: string;
            /** @default false */
            readonly truncated?: boolean;
        };
        readonly BroadcastEvent: {
            readonly sessionId: string;
            readonly from: components["schemas"]["Sender"];
            readonly data: unknown;
        };
        readonly BroadcastMessage: {
            readonly sessionId: string;
            readonly data: unknown;
        };
        readonly CancelRunArguments: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly runId?: string | null;
        };
        readonly CancelRunCall: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly runId?: string | null;
            readonly sessionId: string;
        };
        readonly CancelledAck: {
            readonly cancelled: boolean;
        };
        /** @description Whether there was anything to cancel. */
        readonly CancelledAnswer: {
            readonly cancelled: boolean;
        };
        readonly ChunkPageAnswer: {
            readonly contextId: string;
            readonly messageId: string;
            readonly chunks: readonly components["schemas"]["ChunkView"][];
            readonly currentSequence: number;
            readonly hasMore: boolean;
        };
        /** @description `intervalMs` since the chunk before, where intervals were asked for; null for the first. */
        readonly ChunkView: {
            readonly sequence: number;
            readonly delta: string;
            readonly at: string;
            /** @default null */
            readonly intervalMs?: number | null;
        };
        /** @description What a client may say of its message. */
        readonly ClientMetadata: {
            /** @default null */
            readonly displayHint?: components["schemas"]["DisplayHint-Input"] | null;
            /** @default null */
            readonly traceId?: string | null;
            /** @default null */
            readonly originalInput?: string | null;
            readonly extra?: {
                readonly [key: string]: unknown;
            };
        };
        /** @description The context's snapshot without its messages. */
        readonly ContextMetadata: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly head: number;
            readonly session: components["schemas"]["Session"];
            readonly state: components["schemas"]["Initial"] | components["schemas"]["Active"] | components["schemas"]["AwaitingUser"] | components["schemas"]["AwaitingLLM"] | components["schemas"]["ProcessingTool"] | components["schemas"]["ProcessingWorkflow"] | components["schemas"]["StreamingResponse"] | components["schemas"]["Failed"] | components["schemas"]["Archived"];
            /** @enum {string} */
            readonly mode: "plan" | "act";
            readonly model: string;
            readonly activeBranch: string;
            readonly branches: readonly components["schemas"]["BranchView"][];
            readonly approvals: readonly components["schemas"]["Approval"][];
            readonly grants: readonly components["schemas"]["Grant"][];
            readonly run: components["schemas"]["Run"] | null;
            readonly queue: readonly components["schemas"]["Run"][];
            readonly pins: readonly components["schemas"]["Pin"][];
            readonly plan: readonly components["schemas"]["PlanItem-Output"][];
            readonly usage: components["schemas"]["Usage"];
        };
        readonly ContextModeChanged: {
            /** @default null */
            readonly version?: number | null;
            /** @enum {string} */
            readonly mode: "plan" | "act";
        };
        readonly ContextModeChangedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "context.mode_changed";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["ContextModeChanged"];
        };
        readonly ContextModelChanged: {
            /** @default null */
            readonly version?: number | null;
            readonly model: string;
        };
        readonly ContextModelChangedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "context.model_changed";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["ContextModelChanged"];
        };
        /** @description Has a version when the session was archived or taken up again: nothing else that moves the state is an edit. */
        readonly ContextStateChanged: {
            /** @default null */
            readonly version?: number | null;
            readonly state: components["schemas"]["Initial"] | components["schemas"]["Active"] | components["schemas"]["AwaitingUser"] | components["schemas"]["AwaitingLLM"] | components["schemas"]["ProcessingTool"] | components["schemas"]["ProcessingWorkflow"] | components["schemas"]["StreamingResponse"] | components["schemas"]["Failed"] | components["schemas"]["Archived"];
        };
        readonly ContextStateChangedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "context.state_changed";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["ContextStateChanged"];
        };
        readonly CreateProject: {
            readonly name: string;
        };
        readonly CreateSessionBody: {
            /** @default null */
            readonly projectId?: string | null;
            /** @default null */
            readonly title?: string | null;
            /** @default null */
            readonly model?: string | null;
        };
        readonly CurrentSession: {
            /** @default true */
            readonly success: boolean;
            readonly currentSessionId: string;
        };
        /** @description Items are `{sessionId, purge?, expectedVersion?}`. */
        readonly DeleteBatch: {
            readonly items: readonly {
                readonly [key: string]: unknown;
            }[];
        };
        readonly DeleteBatchAnswer: {
            readonly results: readonly components["schemas"]["ItemAnswer"][];
        };
        readonly "DisplayHint-Input": {
            /** @default null */
            readonly summary?: string | null;
            /** @default false */
            readonly collapsed?: boolean;
            /** @default null */
            readonly icon?: string | null;
        };
        readonly "DisplayHint-Output": {
            /** @default null */
            readonly summary: string | null;
            /** @default false */
            readonly collapsed: boolean;
            /** @default null */
            readonly icon: string | null;
        };
        readonly Done: {
            /** @default true */
            readonly success: boolean;
        };
        /**
         * @description What may be meant for one version only: the session's, or the project's, as the caller knows it. By itself an
         *     action that takes nothing else.
         */
        readonly Edit: {
            /** @default null */
            readonly expectedVersion?: number | null;
        };
        /** @description `version` is the session's from here on. */
        readonly EditDone: {
            /** @default true */
            readonly success: boolean;
            readonly version: number;
        };
        readonly EditProject: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly name: string;
        };
        readonly EditSession: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly title: string;
        };
        /** @description No further keys. */
        readonly Empty: Record<string, never>;
        /** @description A message of the pool on a path. */
        readonly Entry: {
            readonly id: string;
            readonly ordinal: number;
        };
        /** @description Every answer with a status of 400 and above. */
        readonly ErrorBody: {
            readonly error: string;
            readonly code: string;
            readonly retryable: boolean;
            readonly details: {
                readonly [key: string]: unknown;
            };
        };
        /** @description One entry of the journal; `data` is by `type`, as hub/PROTOCOL.md lists them. */
        readonly EventEnvelope: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            readonly type: string;
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: {
                readonly [key: string]: unknown;
            };
        };
        /** @description At most 1,000 events and 256 KiB; with `hasMore` ask again after the last. */
        readonly EventPageAnswer: {
            readonly epoch: string;
            readonly head: number;
            readonly events: readonly components["schemas"]["EventEnvelope"][];
            readonly hasMore: boolean;
        };
        /** @description `args` are the tool's own arguments. `tool_name` is taken too. */
        readonly ExecuteToolBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly sessionId?: string | null;
            /** @default null */
            readonly projectId?: string | null;
            /** @default null */
            readonly clientMessageId?: string | null;
            readonly toolName: string;
            readonly args?: {
                readonly [key: string]: unknown;
            };
        };
        /** @description `input` has a value for each input that the workflow needs. */
        readonly ExecuteWorkflowBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly sessionId?: string | null;
            /** @default null */
            readonly projectId?: string | null;
            /** @default null */
            readonly clientMessageId?: string | null;
            readonly input?: {
                readonly [key: string]: unknown;
            };
        };
        /** @description The last run ended in an error; a new message goes on. */
        readonly Failed: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "error";
            readonly message: string;
        };
        /** @description Items are `{sessionId, ids?}`: messages by their ids, or the session itself. */
        readonly FetchBatch: {
            readonly items: readonly {
                readonly [key: string]: unknown;
            }[];
        };
        readonly FetchBatchAnswer: {
            readonly results: readonly components["schemas"]["FetchItemAnswer"][];
        };
        readonly FetchItemAnswer: {
            readonly ok: boolean;
            readonly status: number;
            /** @default null */
            readonly error?: components["schemas"]["SocketError"] | null;
            /** @default null */
            readonly session?: components["schemas"]["Session"] | null;
            /** @default null */
            readonly messages?: readonly components["schemas"]["Message"][] | null;
        };
        /**
         * @description `content` is what the lines were at `readAt`; `cut` when they were more than could be taken: `endLine` is then
         *     the last one that `content` holds.
         */
        readonly "FileReferencePayload-Input": {
            /**
             * @default 1
             * @constant
             */
            readonly v?: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "file_reference";
            readonly path: string;
            /** @default null */
            readonly startLine?: number | null;
            /** @default null */
            readonly endLine?: number | null;
            /** @default null */
            readonly content?: string | null;
            /** @default null */
            readonly readAt?: string | null;
            /** @default null */
            readonly error?: string | null;
            /** @default false */
            readonly cut?: boolean;
        };
        /**
         * @description `content` is what the lines were at `readAt`; `cut` when they were more than could be taken: `endLine` is then
         *     the last one that `content` holds.
         */
        readonly "FileReferencePayload-Output": {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "file_reference";
            readonly path: string;
            /** @default null */
            readonly startLine: number | null;
            /** @default null */
            readonly endLine: number | null;
            /** @default null */
            readonly content: string | null;
            /** @default null */
            readonly readAt: string | null;
            /** @default null */
            readonly error: string | null;
            /** @default false */
            readonly cut?: boolean;
        };
        /**
         * @description At a message, at a position, or (neither) at the end of a branch: of `branch`, or the active one, or the one that
         *     has the message. `before` leaves that message out.
         */
        readonly ForkBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly name?: string | null;
            /** @default null */
            readonly branch?: string | null;
            /** @default null */
            readonly messageId?: string | null;
            /** @default null */
            readonly position?: number | null;
            /** @default false */
            readonly before?: boolean;
            /** @default null */
            readonly systemPrompt?: string | null;
            /** @default true */
            readonly switch?: boolean;
        };
        readonly FoundSession: {
            readonly id: string;
            readonly projectId: string;
            readonly projectName: string;
            readonly title: string;
            /** @enum {string} */
            readonly state: "IDLE" | "RUNNING" | "COMPLETED" | "FAILED" | "CANCELLED";
            readonly archived: boolean;
            readonly updatedAtUtc: string;
        };
        /** @description A part of a snippet; `match` where it is what was looked for. */
        readonly Fragment: {
            readonly text: string;
            /** @default false */
            readonly match: boolean;
        };
        readonly GoodbyeEvent: {
            readonly code: string;
            readonly retryable: boolean;
            readonly reason: string;
        };
        /** @description A tool that the user allowed for the rest of the session. */
        readonly Grant: {
            readonly tool: string;
            readonly grantedBy: string;
            readonly grantedAtUtc: string;
        };
        readonly HeadEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            readonly state: components["schemas"]["Initial"] | components["schemas"]["Active"] | components["schemas"]["AwaitingUser"] | components["schemas"]["AwaitingLLM"] | components["schemas"]["ProcessingTool"] | components["schemas"]["ProcessingWorkflow"] | components["schemas"]["StreamingResponse"] | components["schemas"]["Failed"] | components["schemas"]["Archived"];
            readonly presenceVersion: number;
        };
        /** @description `warning` is for people: the server works, and something that was shown before its start is missing. */
        readonly Health: {
            readonly status: string;
            readonly version: string;
            /** @default null */
            readonly warning?: string | null;
        };
        /**
         * @description `data` is the URL, the base64 text or the path, as `source` says; `embedded` the file's bytes as base64, as they
         *     were when the message was sent.
         */
        readonly "ImagePayload-Input": {
            /**
             * @default 1
             * @constant
             */
            readonly v?: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "image";
            /** @enum {string} */
            readonly source: "url" | "base64" | "file";
            readonly data: string;
            readonly mimeType: string;
            /**
             * @default auto
             * @enum {string}
             */
            readonly mode?: "vision" | "ocr" | "auto";
            /** @default null */
            readonly ocrText?: string | null;
            /** @default null */
            readonly description?: string | null;
            /** @default null */
            readonly error?: string | null;
            /** @default null */
            readonly embedded?: string | null;
        };
        /**
         * @description `data` is the URL, the base64 text or the path, as `source` says; `embedded` the file's bytes as base64, as they
         *     were when the message was sent.
         */
        readonly "ImagePayload-Output": {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "image";
            /** @enum {string} */
            readonly source: "url" | "base64" | "file";
            readonly data: string;
            readonly mimeType: string;
            /**
             * @default auto
             * @enum {string}
             */
            readonly mode: "vision" | "ocr" | "auto";
            /** @default null */
            readonly ocrText: string | null;
            /** @default null */
            readonly description: string | null;
            /** @default null */
            readonly error: string | null;
            /** @default null */
            readonly embedded?: string | null;
        };
        /** @description Nothing was said yet. */
        readonly Initial: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "initial";
        };
        /** @description `status` is what the call alone would have been answered with; `error` says why it was refused. */
        readonly ItemAnswer: {
            readonly ok: boolean;
            readonly status: number;
            /** @default null */
            readonly error?: components["schemas"]["SocketError"] | null;
        };
        /** @description In signal mode `events` are signals. */
        readonly JoinAck: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly head: number;
            readonly recovered: boolean;
            readonly events: readonly {
                readonly [key: string]: unknown;
            }[];
            readonly hasMore: boolean;
            readonly participants: readonly components["schemas"]["ParticipantView"][];
            readonly presenceVersion: number;
            /** @default null */
            readonly snapshot?: components["schemas"]["Snapshot"] | null;
        };
        readonly JoinSession: {
            readonly sessionId: string;
            /** @default null */
            readonly after?: number | null;
            /** @default null */
            readonly epoch?: string | null;
            /**
             * @default push
             * @enum {string}
             */
            readonly mode?: "push" | "signal";
        };
        /** @description `sessionId` is the session that was named, or the one that was made. */
        readonly LaunchedAnswer: {
            readonly messageId: string;
            readonly seq: number;
            readonly runId: string | null;
            readonly sessionId: string;
        };
        readonly LeaveSession: {
            readonly sessionId: string;
        };
        /** @description One change of a watched list: a session as it is now, or the id of one that left. */
        readonly ListEvent: {
            /** @default null */
            readonly session?: components["schemas"]["Session"] | null;
            /** @default null */
            readonly removed?: string | null;
        };
        readonly McpResourcePayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "mcp_resource";
            readonly server: string;
            readonly uri: string;
            readonly mimeType: string;
            readonly content: string;
            /** @description ISO 8601, UTC, milliseconds, Z */
            readonly retrievedAt: string;
        };
        /** @description A server of tools: `off`, `starting`, `ready`, `down` or `stopped`, and why. */
        readonly McpServerView: {
            readonly name: string;
            readonly state: string;
            readonly reason: string | null;
            readonly tools: readonly string[];
            readonly resources: number;
            readonly notes: readonly string[];
            readonly starts: number;
            readonly retryInMs: number | null;
        };
        readonly McpToolRequestPayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "mcp_tool_request";
            readonly server: string;
            readonly calls: readonly components["schemas"]["ToolCall"][];
            /** @default null */
            readonly model?: string | null;
            /** @default null */
            readonly usage?: components["schemas"]["Usage"] | null;
        };
        readonly McpToolResultPayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "mcp_tool_result";
            readonly server: string;
            readonly callId: string;
            readonly name: string;
            /** @enum {string} */
            readonly status: "ok" | "error" | "denied" | "timeout" | "cancelled" | "interrupted";
            /** @default  */
            readonly output: string;
            /** @default null */
            readonly error: string | null;
            /** @default 0 */
            readonly durationMs: number;
            /** @default null */
            readonly handle: string | null;
        };
        readonly Me: {
            readonly userId: string;
            readonly name: string;
        };
        /**
         * @description What was merged, or with `merged` false what would be; `conflicts` are what both sides changed. `version` is the
         *     session's from here on, where something was merged.
         */
        readonly MergeAnswer: {
            readonly merged: boolean;
            /** @default null */
            readonly version?: number | null;
            readonly activeBranch: string;
            readonly messages: readonly components["schemas"]["Message"][];
            readonly conflicts: readonly string[];
        };
        /**
         * @description `messageIds` go with cherry-pick, `summary` with summary, `name` with rebase. `preview` only says what it would
         *     do.
         */
        readonly MergeBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly source: string;
            /** @enum {string} */
            readonly strategy: "append" | "cherry-pick" | "rebase" | "summary";
            /** @default [] */
            readonly messageIds?: readonly string[];
            /** @default  */
            readonly summary?: string;
            /** @default null */
            readonly name?: string | null;
            /** @default null */
            readonly resolution?: ("source" | "target") | null;
            /** @default false */
            readonly preview?: boolean;
        };
        /** @description With `hasMore` only the newest of many `messages` are listed. */
        readonly MergeTravels: {
            readonly branch: components["schemas"]["BranchView"];
            /** @default null */
            readonly version?: number | null;
            readonly source: string;
            /** @enum {string} */
            readonly strategy: "append" | "cherry-pick" | "rebase" | "summary";
            readonly messages: readonly components["schemas"]["Entry"][];
            readonly pins: readonly components["schemas"]["Pin"][];
            readonly plan: readonly components["schemas"]["PlanItem-Output"][];
            /** @default null */
            readonly hasMore?: boolean | null;
        };
        /**
         * @description `ordinal` counts the session's pool from 1, `sequence` the chunks of a stream; `runId` is the run that the
         *     message started, steers, or was written by. `truncated` and `size` (bytes) stand where the body was too large
         *     to travel in an event or a snapshot: pull it by REST. `digest` is of what the client wrote, kept to know its
         *     repetition; it is stored and never travels.
         */
        readonly Message: {
            readonly id: string;
            readonly ordinal: number;
            /** @enum {string} */
            readonly role: "user" | "agent" | "system";
            readonly content: string;
            /** @enum {string} */
            readonly messageType: "text" | "tool" | "status" | "artifact";
            /** @enum {string} */
            readonly kind: "text" | "image" | "file_reference" | "project_structure" | "tool_request" | "tool_result" | "mcp_tool_request" | "mcp_tool_result" | "mcp_resource" | "workflow_execution" | "system_control" | "processing" | "streaming_response" | "plan";
            /** @default null */
            readonly payload: (components["schemas"]["TextPayload-Output"] | components["schemas"]["StreamingResponsePayload"] | components["schemas"]["PlanPayload"] | components["schemas"]["ImagePayload-Output"] | components["schemas"]["FileReferencePayload-Output"] | components["schemas"]["ProjectStructurePayload"] | components["schemas"]["ToolRequestPayload"] | components["schemas"]["ToolResultPayload"] | components["schemas"]["McpToolRequestPayload"] | components["schemas"]["McpToolResultPayload"] | components["schemas"]["McpResourcePayload"] | components["schemas"]["WorkflowExecutionPayload"] | components["schemas"]["SystemControlPayload"] | components["schemas"]["ProcessingPayload"]) | null;
            /**
             * @default complete
             * @enum {string}
             */
            readonly status: "streaming" | "complete" | "interrupted" | "error" | "cancelled";
            /** @default 0 */
            readonly sequence: number;
            readonly createdAtUtc: string;
            readonly author: string;
            /** @default null */
            readonly clientMessageId?: string | null;
            /** @default null */
            readonly runId?: string | null;
            /**
             * @default {
             *       "source": null,
             *       "displayHint": null,
             *       "traceId": null,
             *       "originalInput": null,
             *       "tokens": null,
             *       "durationMs": null,
             *       "streaming": null,
             *       "extra": {}
             *     }
             */
            readonly metadata: components["schemas"]["Metadata"];
            /** @default false */
            readonly truncated?: boolean;
            /** @default null */
            readonly size?: number | null;
        };
        /** @description The messages that exist, in the order of the ids asked for. */
        readonly MessageBatch: {
            readonly messages: readonly components["schemas"]["Message"][];
            readonly requestedCount: number;
            readonly foundCount: number;
        };
        readonly MessageCompletedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "message.completed";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["MessageTravels"];
        };
        readonly MessageCreatedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "message.created";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["MessageTravels"];
        };
        readonly MessageDelta: {
            readonly messageId: string;
            readonly sequence: number;
            readonly delta: string;
        };
        readonly MessageDeltaEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "message.delta";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["MessageDelta"];
        };
        /** @description `firstPosition` is the position of the first message in `messages`, 0 on an empty page. */
        readonly MessagePageAnswer: {
            readonly messages: readonly components["schemas"]["Message"][];
            readonly total: number;
            readonly epoch: string;
            readonly head: number;
            readonly firstPosition: number;
        };
        /** @description `truncated` and `size` (bytes) come with a message whose body is too large to travel. */
        readonly MessageTravels: {
            readonly message: components["schemas"]["Message"];
            /** @default null */
            readonly truncated?: boolean | null;
            /** @default null */
            readonly size?: number | null;
        };
        readonly MessageUpdatedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "message.updated";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["MessageTravels"];
        };
        /**
         * @description What is known about a message beside its content. `extra` is the client's own, kept as it came. `answers` is the
         *     question that a user's message answers, in the words in which it was put.
         */
        readonly Metadata: {
            /** @default null */
            readonly source: ("user_input" | "user_file_reference" | "user_workflow" | "user_image_upload" | "ai_generated" | "tool_execution" | "system_control") | null;
            /** @default null */
            readonly displayHint: components["schemas"]["DisplayHint-Output"] | null;
            /** @default null */
            readonly traceId: string | null;
            /** @default null */
            readonly originalInput: string | null;
            /** @default null */
            readonly tokens: number | null;
            /** @default null */
            readonly durationMs: number | null;
            /** @default null */
            readonly streaming: {
                readonly [key: string]: unknown;
            } | null;
            /** @default null */
            readonly answers?: string | null;
            readonly extra: {
                readonly [key: string]: unknown;
            };
        };
        /** @description `default` is the model of new sessions; more than these may be known by name. */
        readonly ModelList: {
            readonly models: readonly components["schemas"]["ModelView"][];
            readonly default: string;
        };
        readonly ModelView: {
            readonly name: string;
            readonly provider: string;
            readonly windowTokens: number;
            readonly maxOutputTokens: number;
            readonly vision: boolean;
            readonly tools: boolean;
        };
        readonly NoArguments: Record<string, never>;
        /**
         * @description A message by its `id`, or the positions `from` to `to` of the branch, which were not even read; what of those is
         *     sent all the same stands among the messages. `reason`: `over_budget`; `interrupted` or `error` (a reply that broke
         *     off and was asked for again); `waiting` (for a run of its own); `unpaired` (a result without its call); `empty`
         *     (nothing in it is for a model). There may be others.
         */
        readonly NotShown: {
            readonly reason: string;
            /** @default null */
            readonly id?: string | null;
            /** @default null */
            readonly from?: number | null;
            /** @default null */
            readonly to?: number | null;
            /** @default null */
            readonly tokens?: number | null;
        };
        readonly Participant: {
            readonly userId: string;
            readonly name: string;
            readonly connections: number;
        };
        readonly ParticipantList: {
            readonly participants: readonly components["schemas"]["Participant"][];
        };
        readonly ParticipantView: {
            readonly userId: string;
            readonly name: string;
            readonly connections: number;
        };
        /** @description A merge patch (RFC 7396) of the state: null removes a tab, a key, or a whole section. */
        readonly PatchUserState: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly activeSessions?: readonly string[] | null;
            /** @default null */
            readonly tabs?: {
                readonly [key: string]: number | null;
            } | null;
            /** @default null */
            readonly lastSessionId?: string | null;
            /** @default null */
            readonly ui?: {
                readonly [key: string]: unknown;
            } | null;
            /** @default null */
            readonly preferences?: components["schemas"]["PreferencesPatch"] | null;
        };
        /** @description Something that is always sent to the model: a message by its id, or a text of its own. */
        readonly Pin: {
            readonly id: string;
            /** @default null */
            readonly messageId: string | null;
            readonly text: string;
            readonly createdAtUtc: string;
            readonly createdBy: string;
        };
        readonly PinAdded: {
            /** @default null */
            readonly version?: number | null;
            readonly pin: components["schemas"]["Pin"];
        };
        readonly PinAddedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "pin.added";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["PinAdded"];
        };
        /** @description A message, or a text of its own. */
        readonly PinBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly messageId?: string | null;
            /** @default null */
            readonly text?: string | null;
        };
        readonly PinRemoved: {
            /** @default null */
            readonly version?: number | null;
            readonly pinId: string;
        };
        readonly PinRemovedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "pin.removed";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["PinRemoved"];
        };
        /** @description `version` is the session's from here on. */
        readonly PinnedAnswer: {
            readonly pinId: string;
            readonly version: number;
        };
        readonly PlanBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly items: readonly components["schemas"]["PlanItem-Input"][];
        };
        readonly PlanChanged: {
            /** @default null */
            readonly version?: number | null;
            readonly items: readonly components["schemas"]["PlanItem-Output"][];
        };
        readonly PlanChangedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "plan.changed";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["PlanChanged"];
        };
        readonly "PlanItem-Input": {
            readonly id: string;
            readonly text: string;
            /**
             * @default pending
             * @enum {string}
             */
            readonly status?: "pending" | "in_progress" | "done" | "dropped";
        };
        readonly "PlanItem-Output": {
            readonly id: string;
            readonly text: string;
            /**
             * @default pending
             * @enum {string}
             */
            readonly status: "pending" | "in_progress" | "done" | "dropped";
        };
        readonly PlanPayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "plan";
            /** @default [] */
            readonly items: readonly components["schemas"]["PlanItem-Output"][];
        };
        /** @description What clients of the first protocol send. */
        readonly PostMessageBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly content?: string | null;
            /** @default null */
            readonly payload?: (components["schemas"]["TextPayload-Input"] | components["schemas"]["ImagePayload-Input"] | components["schemas"]["FileReferencePayload-Input"]) | null;
            /** @default null */
            readonly clientMessageId?: string | null;
            /**
             * @default {
             *       "displayHint": null,
             *       "traceId": null,
             *       "originalInput": null,
             *       "extra": {}
             *     }
             */
            readonly metadata?: components["schemas"]["ClientMetadata"];
            /**
             * @default enqueue
             * @enum {string}
             */
            readonly onBusy?: "enqueue" | "reject" | "interrupt" | "steer";
            /** @default null */
            readonly sessionId?: string | null;
            /**
             * @default user
             * @constant
             */
            readonly role?: "user";
        };
        /**
         * @description `defaultModel` is the model of sessions that the user creates without naming one; null is the server's default.
         *     `approvalPolicy: "manual"` asks before every tool, whatever the server's policy lets run.
         */
        readonly "Preferences-Input": {
            /**
             * @default system
             * @enum {string}
             */
            readonly theme?: "system" | "light" | "dark";
            /**
             * @default medium
             * @enum {string}
             */
            readonly fontSize?: "small" | "medium" | "large";
            /**
             * @default auto
             * @enum {string}
             */
            readonly language?: "auto" | "en" | "zh";
            /** @default null */
            readonly defaultModel?: string | null;
            /**
             * @default default
             * @enum {string}
             */
            readonly approvalPolicy?: "default" | "manual";
            /**
             * @default enter
             * @enum {string}
             */
            readonly sendKey?: "enter" | "mod-enter";
            /** @default false */
            readonly notifications?: boolean;
        } & {
            readonly [key: string]: unknown;
        };
        /**
         * @description `defaultModel` is the model of sessions that the user creates without naming one; null is the server's default.
         *     `approvalPolicy: "manual"` asks before every tool, whatever the server's policy lets run.
         */
        readonly "Preferences-Output": {
            /**
             * @default system
             * @enum {string}
             */
            readonly theme: "system" | "light" | "dark";
            /**
             * @default medium
             * @enum {string}
             */
            readonly fontSize: "small" | "medium" | "large";
            /**
             * @default auto
             * @enum {string}
             */
            readonly language: "auto" | "en" | "zh";
            /** @default null */
            readonly defaultModel: string | null;
            /**
             * @default default
             * @enum {string}
             */
            readonly approvalPolicy: "default" | "manual";
            /**
             * @default enter
             * @enum {string}
             */
            readonly sendKey: "enter" | "mod-enter";
            /** @default false */
            readonly notifications: boolean;
        } & {
            readonly [key: string]: unknown;
        };
        /** @description Null puts a preference back to its default. */
        readonly PreferencesPatch: {
            /** @default null */
            readonly theme?: ("system" | "light" | "dark") | null;
            /** @default null */
            readonly fontSize?: ("small" | "medium" | "large") | null;
            /** @default null */
            readonly language?: ("auto" | "en" | "zh") | null;
            /** @default null */
            readonly defaultModel?: string | null;
            /** @default null */
            readonly approvalPolicy?: ("default" | "manual") | null;
            /** @default null */
            readonly sendKey?: ("enter" | "mod-enter") | null;
            /** @default null */
            readonly notifications?: boolean | null;
        } & {
            readonly [key: string]: unknown;
        };
        /** @description `count` comes instead of names when there are many. */
        readonly PresenceEvent: {
            readonly sessionId: string;
            readonly version: number;
            readonly joined: readonly components["schemas"]["ParticipantView"][];
            readonly left: readonly components["schemas"]["ParticipantView"][];
            /** @default null */
            readonly count?: number | null;
        };
        readonly ProcessingPayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "processing";
            readonly stage: string;
            /** @description ISO 8601, UTC, milliseconds, Z */
            readonly startedAt: string;
            /** @default null */
            readonly finishedAt: string | null;
            readonly details: {
                readonly [key: string]: unknown;
            };
        };
        /** @description Tools are at work; `tool_ids` are the calls that have not returned. */
        readonly ProcessingTool: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "processing_tool";
            readonly toolIds: readonly string[];
        };
        /** @description A workflow is between two of its steps. */
        readonly ProcessingWorkflow: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "processing_workflow";
            readonly workflowId: string;
        };
        readonly Project: {
            readonly id: string;
            readonly name: string;
            /** @default null */
            readonly currentSessionId: string | null;
            readonly createdAtUtc: string;
            /** @default 1 */
            readonly version: number;
        };
        readonly ProjectList: {
            readonly projects: readonly components["schemas"]["Project"][];
        };
        readonly ProjectStructurePayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "project_structure";
            readonly root: string;
            /** @enum {string} */
            readonly type: "tree" | "files" | "dependencies";
            readonly content: string;
            /** @default [] */
            readonly excluded: readonly string[];
            /** @description ISO 8601, UTC, milliseconds, Z */
            readonly generatedAt: string;
        };
        readonly PromptAnswer: {
            readonly parts: readonly components["schemas"]["PromptPartView"][];
        };
        readonly PromptPartView: {
            readonly name: string;
            readonly text: string;
        };
        /** @description The whole state: what is left out goes back to its default. */
        readonly ReplaceUserState: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default [] */
            readonly activeSessions?: readonly string[];
            readonly tabs?: {
                readonly [key: string]: number;
            };
            /** @default null */
            readonly lastSessionId?: string | null;
            readonly ui?: {
                readonly [key: string]: unknown;
            };
            /**
             * @default {
             *       "theme": "system",
             *       "fontSize": "medium",
             *       "language": "auto",
             *       "defaultModel": null,
             *       "approvalPolicy": "default",
             *       "sendKey": "enter",
             *       "notifications": false
             *     }
             */
            readonly preferences?: components["schemas"]["Preferences-Input"];
        };
        readonly ResolveApprovalCall: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly approvalId: string;
            /** @enum {string} */
            readonly decision: "approve" | "edit" | "deny" | "respond";
            /** @default null */
            readonly arguments?: {
                readonly [key: string]: unknown;
            } | null;
            /** @default null */
            readonly reason?: string | null;
            /**
             * @default once
             * @enum {string}
             */
            readonly scope?: "once" | "session";
            readonly sessionId: string;
        };
        readonly ResyncEvent: {
            readonly sessionId: string;
            readonly reason: string;
        };
        readonly RevokeGrantBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly tool: string;
        };
        /**
         * @description `attempt` counts its starts and is the fencing token: only the latest attempt may write. `messageId` is the
         *     message that started it, `askedBy` the id of the user who asked for it; runs from before actors have none.
         */
        readonly Run: {
            readonly id: string;
            readonly sessionId: string;
            /** @enum {string} */
            readonly state: "queued" | "running" | "awaiting_input" | "completed" | "failed" | "cancelled";
            /** @default null */
            readonly reason: string | null;
            /** @default null */
            readonly startedAtUtc: string | null;
            /** @default null */
            readonly finishedAtUtc: string | null;
            readonly createdAtUtc: string;
            /** @default 0 */
            readonly attempt: number;
            readonly messageId: string;
            /** @default assistant */
            readonly agent: string;
            /**
             * @default resume
             * @enum {string}
             */
            readonly onCrash: "resume" | "fail";
            /** @default null */
            readonly askedBy?: string | null;
        };
        readonly RunFinished: {
            readonly run: components["schemas"]["Run"];
        };
        readonly RunFinishedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "run.finished";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["RunFinished"];
        };
        readonly RunList: {
            readonly runs: readonly components["schemas"]["Run"][];
        };
        readonly RunQueued: {
            readonly run: components["schemas"]["Run"];
        };
        readonly RunQueuedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "run.queued";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["RunQueued"];
        };
        readonly RunStarted: {
            readonly run: components["schemas"]["Run"];
        };
        readonly RunStartedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "run.started";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["RunStarted"];
        };
        /**
         * @description One page of what was found, in the order that was asked for. A page may be short, even empty, while `hasMore`:
         *     `cursor` goes on from where the search stopped.
         */
        readonly SearchAnswer: {
            readonly query: string;
            readonly results: readonly components["schemas"]["SearchResult"][];
            readonly hasMore: boolean;
            readonly cursor: string | null;
        };
        /**
         * @description A session's title or one of its messages. `position` is where the message stands on the session's active branch,
         *     null when it isn't on it. `createdAtUtc` of a title is its session's.
         */
        readonly SearchResult: {
            /** @enum {string} */
            readonly type: "title" | "message";
            readonly session: components["schemas"]["FoundSession"];
            /** @default null */
            readonly messageId: string | null;
            /** @default null */
            readonly position: number | null;
            /** @default null */
            readonly role: ("user" | "agent" | "system") | null;
            /** @default null */
            readonly kind: ("text" | "image" | "file_reference" | "project_structure" | "tool_request" | "tool_result" | "mcp_tool_request" | "mcp_tool_result" | "mcp_resource" | "workflow_execution" | "system_control" | "processing" | "streaming_response" | "plan") | null;
            readonly createdAtUtc: string;
            readonly snippet: readonly components["schemas"]["Fragment"][];
        };
        /** @description Items as the call send_message takes them. */
        readonly SendBatch: {
            readonly items: readonly {
                readonly [key: string]: unknown;
            }[];
        };
        readonly SendBatchAnswer: {
            readonly results: readonly components["schemas"]["SendItemAnswer"][];
        };
        readonly SendItemAnswer: {
            readonly ok: boolean;
            readonly status: number;
            /** @default null */
            readonly error?: components["schemas"]["SocketError"] | null;
            /** @default null */
            readonly messageId?: string | null;
            /** @default null */
            readonly seq?: number | null;
            /** @default null */
            readonly runId?: string | null;
        };
        /** @description The call's arguments; the session is in the path. */
        readonly SendMessageBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly content?: string | null;
            /** @default null */
            readonly payload?: (components["schemas"]["TextPayload-Input"] | components["schemas"]["ImagePayload-Input"] | components["schemas"]["FileReferencePayload-Input"]) | null;
            /** @default null */
            readonly clientMessageId?: string | null;
            /**
             * @default {
             *       "displayHint": null,
             *       "traceId": null,
             *       "originalInput": null,
             *       "extra": {}
             *     }
             */
            readonly metadata?: components["schemas"]["ClientMetadata"];
            /**
             * @default enqueue
             * @enum {string}
             */
            readonly onBusy?: "enqueue" | "reject" | "interrupt" | "steer";
            /** @default null */
            readonly sessionId?: string | null;
        };
        readonly SendMessageCall: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @default null */
            readonly content?: string | null;
            /** @default null */
            readonly payload?: (components["schemas"]["TextPayload-Input"] | components["schemas"]["ImagePayload-Input"] | components["schemas"]["FileReferencePayload-Input"]) | null;
            /** @default null */
            readonly clientMessageId?: string | null;
            /**
             * @default {
             *       "displayHint": null,
             *       "traceId": null,
             *       "originalInput": null,
             *       "extra": {}
             *     }
             */
            readonly metadata?: components["schemas"]["ClientMetadata"];
            /**
             * @default enqueue
             * @enum {string}
             */
            readonly onBusy?: "enqueue" | "reject" | "interrupt" | "steer";
            readonly sessionId: string;
        };
        readonly Sender: {
            readonly userId: string;
            readonly name: string;
        };
        readonly SentAck: {
            readonly messageId: string;
            readonly seq: number;
            readonly runId: string | null;
        };
        /** @description `runId` is the run that the message starts, waits for or steers. */
        readonly SentAnswer: {
            readonly messageId: string;
            readonly seq: number;
            readonly runId: string | null;
        };
        /**
         * @description `messageCount` counts the active branch; `head` is the last sequence number of the journal; `version` moves
         *     with every edit (title, mode, model, branches, prompts, pins, plan, grants, archiving), not with messages. In an
         *     `archived` one nothing can be said; a `waiting` one is RUNNING and stands still until the user answers.
         */
        readonly Session: {
            readonly id: string;
            readonly projectId: string;
            readonly projectName: string;
            readonly title: string;
            /** @enum {string} */
            readonly state: "IDLE" | "RUNNING" | "COMPLETED" | "FAILED" | "CANCELLED";
            readonly createdAtUtc: string;
            readonly updatedAtUtc: string;
            /** @default null */
            readonly completedAtUtc: string | null;
            /** @default 0 */
            readonly messageCount: number;
            /** @default 0 */
            readonly head: number;
            /** @default 1 */
            readonly version: number;
            /** @default false */
            readonly archived: boolean;
            /** @default false */
            readonly waiting: boolean;
        };
        readonly SessionCreated: {
            readonly session: components["schemas"]["Session"];
            readonly model: string;
        };
        readonly SessionCreatedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "session.created";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["SessionCreated"];
        };
        readonly SessionDeleted: Record<string, never>;
        readonly SessionDeletedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "session.deleted";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["SessionDeleted"];
        };
        /** @description One page; `total` counts all pages. `cursor` asks for the next one, null on the last. */
        readonly SessionList: {
            readonly sessions: readonly components["schemas"]["Session"][];
            readonly total: number;
            readonly hasMore: boolean;
            readonly cursor: string | null;
        };
        /** @description A title that was made of the first message is no edit: the version stays. */
        readonly SessionRenamed: {
            readonly version: number;
            readonly title: string;
        };
        readonly SessionRenamedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "session.renamed";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["SessionRenamed"];
        };
        readonly SessionRestored: Record<string, never>;
        readonly SessionRestoredEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "session.restored";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["SessionRestored"];
        };
        readonly SessionStateChanged: {
            /** @enum {string} */
            readonly state: "IDLE" | "RUNNING" | "COMPLETED" | "FAILED" | "CANCELLED";
            /** @default null */
            readonly completedAtUtc: string | null;
        };
        readonly SessionStateChangedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "session.state_changed";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["SessionStateChanged"];
        };
        /** @description The ones that changed last; `hasMore` when there are others, whose changes are told all the same. */
        readonly SessionsAck: {
            readonly sessions: readonly components["schemas"]["Session"][];
            readonly hasMore: boolean;
        };
        readonly SetCurrentSession: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly sessionId: string;
        };
        readonly SetModeBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            /** @enum {string} */
            readonly mode: "plan" | "act";
        };
        readonly SetModelBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly model: string;
        };
        /** @description `cut` where only the beginning of its text fits. */
        readonly ShownMessage: {
            readonly id: string;
            readonly role: string;
            readonly kind: string;
            readonly tokens: number;
            readonly cut: boolean;
        };
        /** @description A part of the system prompt; `cut` where its middle had to go. */
        readonly ShownPart: {
            readonly name: string;
            readonly text: string;
            readonly tokens: number;
            readonly cut: boolean;
        };
        /** @description `exact`: counted by the model's own tokenizer, not estimated; `reserve` is kept for the reply. */
        readonly ShownTokens: {
            readonly system: number;
            readonly tools: number;
            readonly history: number;
            readonly total: number;
            readonly reserve: number;
            readonly exact: boolean;
        };
        readonly ShownTool: {
            readonly name: string;
            readonly tokens: number;
        };
        /** @description An event without its content. `seq` is a high-water mark: signals may be merged. */
        readonly SignalEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            readonly type: string;
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            /** @default null */
            readonly messageId?: string | null;
            /** @default null */
            readonly sequence?: number | null;
            /** @default null */
            readonly state?: string | null;
        };
        /**
         * @description Design §5. `messages` are the newest 50 of the active branch, oldest first; one that streams has its text so
         *     far. `approvals` are those that are pending; `pins` and `plan` are the active branch's.
         */
        readonly Snapshot: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly head: number;
            readonly session: components["schemas"]["Session"];
            readonly state: components["schemas"]["Initial"] | components["schemas"]["Active"] | components["schemas"]["AwaitingUser"] | components["schemas"]["AwaitingLLM"] | components["schemas"]["ProcessingTool"] | components["schemas"]["ProcessingWorkflow"] | components["schemas"]["StreamingResponse"] | components["schemas"]["Failed"] | components["schemas"]["Archived"];
            /** @enum {string} */
            readonly mode: "plan" | "act";
            readonly model: string;
            readonly activeBranch: string;
            readonly branches: readonly components["schemas"]["BranchView"][];
            /** @default [] */
            readonly approvals: readonly components["schemas"]["Approval"][];
            /** @default [] */
            readonly grants: readonly components["schemas"]["Grant"][];
            readonly run: components["schemas"]["Run"] | null;
            readonly queue: readonly components["schemas"]["Run"][];
            /** @default [] */
            readonly pins: readonly components["schemas"]["Pin"][];
            /** @default [] */
            readonly plan: readonly components["schemas"]["PlanItem-Output"][];
            readonly usage: components["schemas"]["Usage"];
            readonly messages: readonly components["schemas"]["Message"][];
        };
        /** @description Why a call was refused. */
        readonly SocketError: {
            readonly code: string;
            readonly message: string;
            readonly retryable: boolean;
            readonly details: {
                readonly [key: string]: unknown;
            };
        };
        /** @description A reply grows; `sequence` is the number of its last committed chunk. */
        readonly StreamingResponse: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly name: "streaming_response";
            readonly messageId: string;
            /** @default 0 */
            readonly sequence: number;
        };
        /**
         * @description How a streamed reply went. Times are instants, durations milliseconds; `providerDeltas` is null when the
         *     stream was closed by somebody else than its run (cancelled, interrupted).
         */
        readonly StreamingResponsePayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "streaming_response";
            readonly model: string;
            /** @default null */
            readonly finishReason: string | null;
            /** @default null */
            readonly usage: components["schemas"]["Usage"] | null;
            /** @default 0 */
            readonly chunksCount: number;
            /** @default null */
            readonly providerDeltas: number | null;
            /** @default null */
            readonly startedAt: string | null;
            /** @default null */
            readonly completedAt: string | null;
            /** @default null */
            readonly totalDurationMs: number | null;
            /** @default null */
            readonly averageChunkIntervalMs: number | null;
        };
        readonly SwitchBranchBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly name: string;
        };
        /** @description As long as the server runs; what holds longer is a setting (`--tool-policy NAME=off`). */
        readonly SwitchTool: {
            readonly enabled: boolean;
        };
        readonly SystemControlPayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "system_control";
            /** @enum {string} */
            readonly control: "mode_switch" | "branch_switch" | "merge" | "summary" | "context_injection" | "model_switch";
            readonly parameters: {
                readonly [key: string]: unknown;
            };
        };
        /** @description `foreign` is the payload that could not be read, as it was stored; the text then says so. */
        readonly "TextPayload-Input": {
            /**
             * @default 1
             * @constant
             */
            readonly v?: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "text";
            /** @default  */
            readonly text?: string;
            /**
             * @default markdown
             * @enum {string}
             */
            readonly format?: "plain" | "markdown";
        };
        /** @description `foreign` is the payload that could not be read, as it was stored; the text then says so. */
        readonly "TextPayload-Output": {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "text";
            /** @default  */
            readonly text: string;
            /**
             * @default markdown
             * @enum {string}
             */
            readonly format: "plain" | "markdown";
            /** @default null */
            readonly foreign?: {
                readonly [key: string]: unknown;
            } | null;
        };
        /**
         * @description `rawArguments` is what the model wrote where it was no JSON object; `arguments` are empty then.
         *     `originalArguments` are the model's own where the user put others in their place. `refusal` is why the call was
         *     denied without asking, `mode` the session's when it was asked for; `resultId` the message with its result.
         */
        readonly ToolCall: {
            readonly callId: string;
            readonly name: string;
            readonly arguments: {
                readonly [key: string]: unknown;
            };
            /**
             * @default unsafe
             * @enum {string}
             */
            readonly risk: "read_only" | "idempotent" | "unsafe";
            /**
             * @default pending
             * @enum {string}
             */
            readonly status: "pending" | "approved" | "denied" | "executing" | "done";
            /** @default null */
            readonly decidedBy: string | null;
            /** @default null */
            readonly decidedAt: string | null;
            /** @default null */
            readonly rawArguments?: string | null;
            /** @default null */
            readonly originalArguments?: {
                readonly [key: string]: unknown;
            } | null;
            /** @default null */
            readonly refusal?: string | null;
            /** @default null */
            readonly mode?: ("plan" | "act") | null;
            /** @default null */
            readonly resultId?: string | null;
        };
        /**
         * @description `state` is the run's: one that is `awaiting_input` waits for an approval, one that is `running` takes longer than
         *     the answer waits. `status`, `output` and `error` are the result's, null as long as there is none.
         */
        readonly ToolCallAnswer: {
            readonly messageId: string;
            readonly seq: number;
            readonly runId: string | null;
            readonly sessionId: string;
            readonly success: boolean;
            readonly toolName: string;
            readonly state: string;
            readonly status: string | null;
            readonly output: string | null;
            readonly error: string | null;
        };
        readonly ToolList: {
            readonly tools: readonly components["schemas"]["ToolView"][];
            readonly servers: readonly components["schemas"]["McpServerView"][];
        };
        /** @description `usage` is what the reply of `model` cost that asked for it without a word; one with words says it itself. */
        readonly ToolRequestPayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "tool_request";
            readonly calls: readonly components["schemas"]["ToolCall"][];
            /** @default null */
            readonly model?: string | null;
            /** @default null */
            readonly usage?: components["schemas"]["Usage"] | null;
        };
        readonly ToolResultPayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "tool_result";
            readonly callId: string;
            readonly name: string;
            /** @enum {string} */
            readonly status: "ok" | "error" | "denied" | "timeout" | "cancelled" | "interrupted";
            /** @default  */
            readonly output: string;
            /** @default null */
            readonly error: string | null;
            /** @default 0 */
            readonly durationMs: number;
            /** @default null */
            readonly handle: string | null;
        };
        /** @description `parameters` is a JSON schema; `reason` says why a tool is not available now. */
        readonly ToolView: {
            readonly name: string;
            readonly description: string;
            readonly parameters: {
                readonly [key: string]: unknown;
            };
            readonly category: string;
            readonly risk: string;
            readonly policy: string;
            readonly dangerous: boolean;
            readonly modes: readonly string[];
            readonly roles: readonly string[];
            readonly requires: readonly string[];
            readonly timeoutMs: number;
            readonly available: boolean;
            readonly reason: string | null;
        };
        /** @description The names of tools that came, went, or were switched off or on: read the list again. */
        readonly ToolsEvent: {
            readonly changed: readonly string[];
        };
        readonly UnpinBody: {
            /** @default null */
            readonly expectedVersion?: number | null;
            readonly pinId: string;
        };
        /** @description Tokens read and written. `estimated` is true where the provider reported nothing. */
        readonly Usage: {
            /** @default 0 */
            readonly inputTokens: number;
            /** @default 0 */
            readonly outputTokens: number;
            /** @default false */
            readonly estimated: boolean;
        };
        /**
         * @description What a reply cost that had no words, and so no message of its own to say it: one that only called tools, in the
         *     request `messageId`, or one that said nothing at all.
         */
        readonly UsageAdded: {
            readonly model: string;
            readonly usage: components["schemas"]["Usage"];
            /** @default null */
            readonly messageId: string | null;
        };
        readonly UsageAddedEvent: {
            readonly sessionId: string;
            readonly epoch: string;
            readonly seq: number;
            /** @constant */
            readonly type: "usage.added";
            readonly at: string;
            /** @default null */
            readonly by?: components["schemas"]["Actor"] | null;
            readonly data: components["schemas"]["UsageAdded"];
        };
        /** @description Version 0 was never written. A change adds one; going back to the defaults is a change too. */
        readonly UserState: {
            /** @default [] */
            readonly activeSessions: readonly string[];
            readonly tabs: {
                readonly [key: string]: number;
            };
            /** @default null */
            readonly lastSessionId: string | null;
            readonly ui: {
                readonly [key: string]: unknown;
            };
            /**
             * @default {
             *       "theme": "system",
             *       "fontSize": "medium",
             *       "language": "auto",
             *       "defaultModel": null,
             *       "approvalPolicy": "default",
             *       "sendKey": "enter",
             *       "notifications": false
             *     }
             */
            readonly preferences: components["schemas"]["Preferences-Output"];
            /** @default 0 */
            readonly version: number;
            /** @default null */
            readonly updatedAtUtc: string | null;
        };
        /**
         * @description What the next request to the session's model would hold, oldest message first. `budget` is the window less what
         *     is kept for the reply.
         */
        readonly ViewAnswer: {
            readonly model: string;
            readonly window: number;
            readonly budget: number;
            readonly system: readonly components["schemas"]["ShownPart"][];
            readonly messages: readonly components["schemas"]["ShownMessage"][];
            readonly tools: readonly components["schemas"]["ShownTool"][];
            readonly tokens: components["schemas"]["ShownTokens"];
            readonly leftOut: readonly components["schemas"]["NotShown"][];
        };
        /** @description The last changed of those that run. */
        readonly WatchRunning: {
            /** @default 500 */
            readonly take?: number;
        };
        readonly WatchSessions: {
            /** @default 500 */
            readonly take?: number;
            /** @default null */
            readonly projectId?: string | null;
        };
        readonly WorkflowExecutionPayload: {
            /**
             * @default 1
             * @constant
             */
            readonly v: 1;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "workflow_execution";
            readonly name: string;
            readonly executionId: string;
            /** @enum {string} */
            readonly status: "pending" | "running" | "paused" | "completed" | "failed" | "cancelled";
            /** @default [] */
            readonly steps: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @default null */
            readonly currentStep: number | null;
            /** @default null */
            readonly result: string | null;
            /** @default null */
            readonly error: string | null;
        };
        readonly WorkflowInputView: {
            readonly name: string;
            readonly required: boolean;
            readonly default: unknown;
            readonly description: string;
        };
        readonly WorkflowList: {
            readonly workflows: readonly components["schemas"]["WorkflowView"][];
        };
        /** @description `group` is the parallel step that it is in. */
        readonly WorkflowStepView: {
            readonly id: string;
            readonly kind: string;
            readonly group: string | null;
        };
        readonly WorkflowView: {
            readonly name: string;
            readonly description: string;
            readonly inputs: readonly components["schemas"]["WorkflowInputView"][];
            readonly steps: readonly components["schemas"]["WorkflowStepView"][];
            readonly tools: readonly string[];
        };
        readonly SocketCalls: {
            readonly join_session: {
                readonly args: components["schemas"]["JoinSession"];
                readonly ack: components["schemas"]["JoinAck"];
            };
            readonly leave_session: {
                readonly args: components["schemas"]["LeaveSession"];
                readonly ack: components["schemas"]["Empty"];
            };
            readonly send_message: {
                readonly args: components["schemas"]["SendMessageCall"];
                readonly ack: components["schemas"]["SentAck"];
            };
            readonly broadcast_message: {
                readonly args: components["schemas"]["BroadcastMessage"];
                readonly ack: components["schemas"]["Empty"];
            };
            readonly cancel_run: {
                readonly args: components["schemas"]["CancelRunCall"];
                readonly ack: components["schemas"]["CancelledAck"];
            };
            readonly resolve_approval: {
                readonly args: components["schemas"]["ResolveApprovalCall"];
                readonly ack: components["schemas"]["Empty"];
            };
            readonly watch_sessions: {
                readonly args: components["schemas"]["WatchSessions"];
                readonly ack: components["schemas"]["SessionsAck"];
            };
            readonly unwatch_sessions: {
                readonly args: components["schemas"]["NoArguments"];
                readonly ack: components["schemas"]["Empty"];
            };
            readonly watch_running: {
                readonly args: components["schemas"]["WatchRunning"];
                readonly ack: components["schemas"]["SessionsAck"];
            };
            readonly unwatch_running: {
                readonly args: components["schemas"]["NoArguments"];
                readonly ack: components["schemas"]["Empty"];
            };
        };
        readonly ServerEvents: {
            readonly signal: components["schemas"]["SignalEvent"];
            readonly broadcast: components["schemas"]["BroadcastEvent"];
            readonly presence: components["schemas"]["PresenceEvent"];
            readonly session: components["schemas"]["ListEvent"];
            readonly running: components["schemas"]["ListEvent"];
            readonly user_state: components["schemas"]["UserState"];
            readonly tools: components["schemas"]["ToolsEvent"];
            readonly head: components["schemas"]["HeadEvent"];
            readonly resync: components["schemas"]["ResyncEvent"];
            readonly goodbye: components["schemas"]["GoodbyeEvent"];
        };
        readonly JournalEvent: components["schemas"]["SessionCreatedEvent"] | components["schemas"]["SessionRenamedEvent"] | components["schemas"]["SessionStateChangedEvent"] | components["schemas"]["SessionDeletedEvent"] | components["schemas"]["SessionRestoredEvent"] | components["schemas"]["ContextStateChangedEvent"] | components["schemas"]["ContextModeChangedEvent"] | components["schemas"]["ContextModelChangedEvent"] | components["schemas"]["MessageCreatedEvent"] | components["schemas"]["MessageDeltaEvent"] | components["schemas"]["MessageCompletedEvent"] | components["schemas"]["MessageUpdatedEvent"] | components["schemas"]["RunQueuedEvent"] | components["schemas"]["RunStartedEvent"] | components["schemas"]["RunFinishedEvent"] | components["schemas"]["ApprovalRequestedEvent"] | components["schemas"]["ApprovalResolvedEvent"] | components["schemas"]["ApprovalRevokedEvent"] | components["schemas"]["BranchCreatedEvent"] | components["schemas"]["BranchSwitchedEvent"] | components["schemas"]["BranchMergedEvent"] | components["schemas"]["BranchUpdatedEvent"] | components["schemas"]["PinAddedEvent"] | components["schemas"]["PinRemovedEvent"] | components["schemas"]["PlanChangedEvent"] | components["schemas"]["UsageAddedEvent"];
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly listProjects: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description All projects, oldest first. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ProjectList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly createProject: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["CreateProject"];
            };
        };
        readonly responses: {
            /** @description A new project. */
            readonly 201: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    readonly getProject: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly projectId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description One project. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Project"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly deleteProject: {
        readonly parameters: {
            readonly query?: {
                readonly expectedVersion?: number | null;
            };
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly projectId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Deletes a project without sessions. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    readonly editProject: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly projectId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["EditProject"];
            };
        };
        readonly responses: {
            /** @description Renames a project. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    readonly setCurrentSession: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly projectId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SetCurrentSession"];
            };
        };
        readonly responses: {
            /** @description Says which session of a project is the current one. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["CurrentSession"];
                };
            };
        };
    };
    readonly listProjectSessions: {
        readonly parameters: {
            readonly query?: {
                readonly state?: string | null;
                readonly archived?: "true" | "false" | "all";
                readonly q?: string;
                readonly sort?: "updated" | "created" | "title";
                readonly order?: ("asc" | "desc") | null;
                readonly take?: number;
                readonly cursor?: string | null;
            };
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly projectId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A project's sessions, sorted and filtered; the 500 that changed last unless asked otherwise. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listSessions: {
        readonly parameters: {
            readonly query?: {
                readonly state?: string | null;
                readonly archived?: "true" | "false" | "all";
                readonly q?: string;
                readonly sort?: "updated" | "created" | "title";
                readonly order?: ("asc" | "desc") | null;
                readonly take?: number;
                readonly cursor?: string | null;
                readonly projectId?: string | null;
            };
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The sessions of all projects, or of one, sorted and filtered. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly createSession: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["CreateSessionBody"];
            };
        };
        readonly responses: {
            /** @description A new session, in the Inbox unless a project is named. */
            readonly 201: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    readonly search: {
        readonly parameters: {
            readonly query: {
                readonly q: string;
                readonly projectId?: string | null;
                readonly state?: string | null;
                readonly role?: string | null;
                readonly kind?: string | null;
                readonly from?: string;
                readonly to?: string;
                readonly archived?: "true" | "false" | "all";
                readonly sort?: "relevance" | "newest" | "oldest";
                readonly take?: number;
                readonly cursor?: string | null;
            };
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Full text over titles and messages. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SearchAnswer"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listRunningSessions: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The sessions of all projects in which a run is queued or at work, the 500 that changed last. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly getSession: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description One session. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly deleteSession: {
        readonly parameters: {
            readonly query?: {
                readonly expectedVersion?: number | null;
                readonly purge?: boolean;
            };
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Deletes a session and cancels its run; it can be restored for 30 days, unless purged. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    readonly editSession: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["EditSession"];
            };
        };
        readonly responses: {
            /** @description Renames a session. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    readonly restoreSession: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["Edit"];
            };
        };
        readonly responses: {
            /** @description Brings a deleted session back. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    readonly listMessages: {
        readonly parameters: {
            readonly query?: {
                readonly skip?: number;
                readonly take?: number;
                readonly order?: "asc" | "desc";
                readonly before?: number | null;
                readonly after?: number | null;
                readonly branch?: string | null;
                readonly scope?: "branch" | "pool";
            };
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of a session's messages. When those over 64 KiB come to more than 8 MiB, headers stand for them, with `truncated` and `size`. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MessagePageAnswer"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listEvents: {
        readonly parameters: {
            readonly query?: {
                readonly after?: number;
            };
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The events after a position, in order. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["EventPageAnswer"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listRuns: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A session's runs. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["RunList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listBranches: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A session's branches. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["BranchList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listApprovals: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description What the user was asked, and the tools that need no asking. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ApprovalList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listParticipants: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Who is connected to a session. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ParticipantList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly getContext: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The whole context with its newest 50 messages. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Snapshot"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly getContextMetadata: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The context without its messages. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ContextMetadata"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly getContextMessages: {
        readonly parameters: {
            readonly query: {
                readonly ids: string;
            };
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Messages by id, whole; several come to 32 MiB at most: ask for fewer at once. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MessageBatch"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly postMessage: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["PostMessageBody"];
            };
        };
        readonly responses: {
            /** @description Deprecated: the action send_message. Sends a message, which starts a run. */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SentAnswer"];
                };
            };
        };
    };
    readonly listStreamingChunks: {
        readonly parameters: {
            readonly query?: {
                readonly after?: number;
                readonly intervals?: boolean;
            };
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
                readonly messageId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The chunks of a streamed message after a sequence number; on demand with their intervals in milliseconds. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ChunkPageAnswer"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly sendMessage: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["SendMessageBody"];
            };
        };
        readonly responses: {
            /** @description Sends a message, which starts a run. */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SentAnswer"];
                };
            };
        };
    };
    readonly cancelRun: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["CancelRunArguments"];
            };
        };
        readonly responses: {
            /** @description Cancels the run, and what is queued unless a run is named. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["CancelledAnswer"];
                };
            };
        };
    };
    readonly setModel: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SetModelBody"];
            };
        };
        readonly responses: {
            /** @description Chooses the model for what comes next. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    readonly setMode: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SetModeBody"];
            };
        };
        readonly responses: {
            /** @description Plan (tools that read) or act (all tools). */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    readonly retry: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["Edit"];
            };
        };
        readonly responses: {
            /** @description Runs again for the newest message of a user. */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SentAnswer"];
                };
            };
        };
    };
    readonly archive: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["Edit"];
            };
        };
        readonly responses: {
            /** @description Puts the session away: it can be read, forked, restored and deleted; nothing else is taken. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    readonly unarchive: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["Edit"];
            };
        };
        readonly responses: {
            /** @description Takes an archived session up again. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    readonly resolveApproval: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ApprovalAnswer"];
            };
        };
        readonly responses: {
            /** @description Answers an approval; the first answer wins. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    readonly revokeGrant: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["RevokeGrantBody"];
            };
        };
        readonly responses: {
            /** @description Asks again for a tool that was allowed for the session. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["EditDone"];
                };
            };
        };
    };
    readonly fork: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["ForkBody"];
            };
        };
        readonly responses: {
            /** @description Forks a branch at a message, whichever branch that is on. */
            readonly 201: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["BranchName"];
                };
            };
        };
    };
    readonly switchBranch: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SwitchBranchBody"];
            };
        };
        readonly responses: {
            /** @description Makes another branch the active one. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["BranchName"];
                };
            };
        };
    };
    readonly merge: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["MergeBody"];
            };
        };
        readonly responses: {
            /** @description Merges a branch into the active one, or shows what that would do. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MergeAnswer"];
                };
            };
        };
    };
    readonly setBranchPrompt: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["BranchPromptBody"];
            };
        };
        readonly responses: {
            /** @description Gives a branch a system prompt of its own. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["EditDone"];
                };
            };
        };
    };
    readonly pin: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["PinBody"];
            };
        };
        readonly responses: {
            /** @description Pins a message or a text: it is always sent to the model. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PinnedAnswer"];
                };
            };
        };
    };
    readonly unpin: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["UnpinBody"];
            };
        };
        readonly responses: {
            /** @description Removes a pin. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["EditDone"];
                };
            };
        };
    };
    readonly setPlan: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["PlanBody"];
            };
        };
        readonly responses: {
            /** @description Replaces the plan. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["EditDone"];
                };
            };
        };
    };
    readonly getPrompt: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The system prompt as it would be sent now, part by part. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PromptAnswer"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly getView: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path: {
                readonly sessionId: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description All that the next request would send to the model, with its tokens, and what is left out and why. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ViewAnswer"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listWorkflows: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The workflows, by name. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["WorkflowList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly executeWorkflow: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["ExecuteWorkflowBody"];
            };
        };
        readonly responses: {
            /** @description Sends a message whose run executes the workflow, in a new session unless one is named. */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LaunchedAnswer"];
                };
            };
        };
    };
    readonly executeTool: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ExecuteToolBody"];
            };
        };
        readonly responses: {
            /** @description Deprecated: execute a workflow. Calls one tool, in a new session unless one is named, and waits for its result for 30 seconds. What has to be asked for waits for its approval. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ToolCallAnswer"];
                };
            };
        };
    };
    readonly sendMany: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SendBatch"];
            };
        };
        readonly responses: {
            /** @description Sends many messages, to one session or several, in their order; each is answered. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SendBatchAnswer"];
                };
            };
        };
    };
    readonly fetchMany: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["FetchBatch"];
            };
        };
        readonly responses: {
            /** @description Many sessions, and messages of many sessions, up to 32 MiB; each item is answered. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["FetchBatchAnswer"];
                };
            };
        };
    };
    readonly deleteMany: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["DeleteBatch"];
            };
        };
        readonly responses: {
            /** @description Deletes many sessions; each is answered. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["DeleteBatchAnswer"];
                };
            };
        };
    };
    readonly getMe: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Who is asking. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Me"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly getUserState: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description What the user has open and prefers; version 0 was never written. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UserState"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly replaceUserState: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["ReplaceUserState"];
            };
        };
        readonly responses: {
            /** @description Replaces the user's state; what is left out goes back to its default. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UserState"];
                };
            };
        };
    };
    readonly resetUserState: {
        readonly parameters: {
            readonly query?: {
                readonly expectedVersion?: number | null;
            };
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Puts the user's state back to the defaults. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UserState"];
                };
            };
        };
    };
    readonly patchUserState: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Only for this version, else 412: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. `*` is any. */
                readonly "If-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["PatchUserState"];
                readonly "application/merge-patch+json": components["schemas"]["PatchUserState"];
            };
        };
        readonly responses: {
            /** @description Merges a patch (RFC 7396) into the user's state; null removes. */
            readonly 200: {
                headers: {
                    /** @description Strong: `"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UserState"];
                };
            };
        };
    };
    readonly listModels: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The models to choose from. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ModelList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly listTools: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The tools, and why some can't be used. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ToolList"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly switchTool: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SwitchTool"];
            };
        };
        readonly responses: {
            /** @description Switches a tool off or on, for everybody, as long as the server runs. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ToolView"];
                };
            };
        };
    };
    readonly getOpenapi: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description This document. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": Record<string, never>;
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly getMetrics: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Numbers for Prometheus. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/plain; version=0.0.4; charset=utf-8": string;
                };
            };
        };
    };
    readonly getHealth: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Does the process answer? */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly getReadiness: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the answer that the client has: 304 when it is still the same. */
                readonly "If-None-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Can it work? If not, the error says why. */
            readonly 200: {
                headers: {
                    /** @description Strong. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The answer is still the one that If-None-Match names. */
            readonly 304: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
