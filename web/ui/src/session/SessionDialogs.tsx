/** The dialogs of an open session. None is loaded before it is wanted. */

import { Suspense, lazy } from "react";
import type { HubClient, LiveSession, Snapshot } from "@parley/client";
import { freeName } from "./branchTree";
import type { SessionCommands } from "./sessionCommands";
import type { Attachments } from "./useAttachments";

const BranchPromptDialog = lazy(() => import("./BranchPromptDialog"));
const EditResendDialog = lazy(() => import("./EditResendDialog"));
const ForkDialog = lazy(() => import("./ForkDialog"));
const MergeDialog = lazy(() => import("./MergeDialog"));
const PromptDialog = lazy(() => import("./PromptDialog"));
const ReferenceDialog = lazy(() => import("./ReferenceDialog"));
const WorkflowDialog = lazy(() => import("./WorkflowDialog"));

export type OpenDialog =
  /** At a message, or at the end of the branch. */
  | { readonly kind: "fork"; readonly messageId: string | null }
  | { readonly kind: "edit"; readonly messageId: string; readonly text: string }
  | { readonly kind: "merge"; readonly source: string }
  | { readonly kind: "branch-prompt"; readonly branch: string }
  | { readonly kind: "prompt" }
  | { readonly kind: "reference" }
  | { readonly kind: "workflow" };

interface Props {
  readonly dialog: OpenDialog;
  readonly hub: HubClient;
  readonly session: LiveSession;
  readonly snapshot: Snapshot;
  readonly commands: SessionCommands;
  readonly attachments: Attachments;
  readonly onClose: () => void;
}

export function SessionDialogs(props: Props) {
  return (
    <Suspense fallback={null}>
      <Opened {...props} />
    </Suspense>
  );
}

function Opened({ dialog, hub, session, snapshot, commands, attachments, onClose }: Props) {
  const { rest } = hub;
  const { sessionId } = session;
  switch (dialog.kind) {
    case "fork": {
      const at = dialog.messageId === null ? {} : { messageId: dialog.messageId };
      return (
        <ForkDialog
          suggestion={freeName(snapshot.branches, snapshot.activeBranch)}
          atMessage={dialog.messageId !== null}
          onFork={(name) => session.fork({ ...at, name, switch: true })}
          onClose={onClose}
        />
      );
    }
    case "edit":
      return (
        <EditResendDialog
          text={dialog.text}
          onSend={(text) => session.editAndResend(dialog.messageId, text)}
          onClose={onClose}
        />
      );
    case "merge": {
      const target = snapshot.branches.find(({ name }) => name === snapshot.activeBranch);
      if (target === undefined) return null;
      return (
        <MergeDialog
          target={target}
          branches={snapshot.branches}
          source={dialog.source}
          onPreview={(request) => session.previewMerge(request)}
          onMerge={commands.merge}
          onPage={(branch, before) =>
            rest.request("get", "/api/sessions/{sessionId}/messages", {
              path: { sessionId },
              query: { branch, before, take: 50 },
            })
          }
          onClose={onClose}
        />
      );
    }
    case "branch-prompt":
      return (
        <BranchPromptDialog
          branch={dialog.branch}
          load={async () => {
            const { branches } = await rest.branches(sessionId);
            return branches.find(({ name }) => name === dialog.branch)?.systemPrompt ?? null;
          }}
          onSave={(prompt) => session.setBranchPrompt(dialog.branch, prompt)}
          onClose={onClose}
        />
      );
    case "prompt":
      return <PromptDialog load={async () => (await rest.prompt(sessionId)).parts} onClose={onClose} />;
    case "reference":
      return <ReferenceDialog onAdd={attachments.add} onClose={onClose} />;
    case "workflow":
      return (
        <WorkflowDialog
          load={async () => (await rest.workflows()).workflows}
          onStart={(name, input) => rest.executeWorkflow(name, sessionId, input)}
          onClose={onClose}
        />
      );
  }
}
