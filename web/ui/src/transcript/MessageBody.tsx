/** The inside of a message, by its kind. A kind that this page does not know is shown as what it says. */

import { MessageSquare } from "lucide-react";
import type { Approval, Message } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { Fold } from "./Fold";
import { pretty } from "./json";
import { ControlKind } from "./kinds/ControlKind";
import { FileKind } from "./kinds/FileKind";
import { ImageKind } from "./kinds/ImageKind";
import { PlanKind } from "./kinds/PlanKind";
import { ProcessingKind } from "./kinds/ProcessingKind";
import { ResourceKind } from "./kinds/ResourceKind";
import { StructureKind } from "./kinds/StructureKind";
import { TextKind } from "./kinds/TextKind";
import { LoneResult, ToolRequest } from "./kinds/ToolKind";
import { WorkflowKind } from "./kinds/WorkflowKind";
import { OutputText } from "./OutputText";
import { visibleLine } from "./visible";

interface Props {
  readonly message: Message;
  readonly approvals: readonly Approval[];
  readonly results: readonly Message[];
}

export function MessageBody({ message, approvals, results }: Props) {
  switch (message.kind) {
    case "text":
    case "streaming_response":
      return <TextKind message={message} />;
    case "tool_request":
    case "mcp_tool_request":
      return <ToolRequest message={message} approvals={approvals} results={results} />;
    case "tool_result":
    case "mcp_tool_result":
      return <LoneResult message={message} />;
    case "image":
      return <ImageKind message={message} />;
    case "file_reference":
      return <FileKind message={message} />;
    case "project_structure":
      return <StructureKind message={message} />;
    case "mcp_resource":
      return <ResourceKind message={message} />;
    case "workflow_execution":
      return <WorkflowKind message={message} />;
    case "system_control":
      return <ControlKind message={message} />;
    case "processing":
      return <ProcessingKind message={message} />;
    case "plan":
      return <PlanKind message={message} />;
    default:
      return <UnknownKind message={message} />;
  }
}

function UnknownKind({ message }: { message: Message }) {
  const words = useTexts().transcript;
  const title = (
    <>
      <MessageSquare size={15} aria-hidden="true" className="kind-icon" />
      <span className="fold-title">{words.unknownKind(visibleLine(message.kind))}</span>
    </>
  );
  return (
    <Fold id={`${message.id} body`} summary={title}>
      {() => <OutputText id={message.id} text={message.content || pretty(message.payload)} />}
    </Fold>
  );
}
