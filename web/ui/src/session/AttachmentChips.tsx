/** The attachments of the message that is being written, each to be taken off again. */

import { FileCode, FileText, X } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { lineCount } from "./attachments";
import type { Attachment } from "./attachments";
import { bytesText } from "../i18n/numbers";
import type { Attachments } from "./useAttachments";

export function AttachmentChips({ attachments }: { attachments: Attachments }) {
  const { composer } = useTexts().session;
  const { list, reading, trouble } = attachments;
  return (
    <>
      {(list.length > 0 || reading > 0) && (
        <ul className="attachments" data-testid="attachments">
          {list.map((attachment) => (
            <Chip key={attachment.id} attachment={attachment} onRemove={() => attachments.remove(attachment.id)} />
          ))}
          {reading > 0 && <li className="attachment muted">{composer.reading}</li>}
        </ul>
      )}
      {trouble !== null && (
        <p className="composer-error" role="alert" data-testid="attachment-error">
          {trouble}
        </p>
      )}
    </>
  );
}

function Chip({ attachment, onRemove }: { attachment: Attachment; onRemove: () => void }) {
  const { composer } = useTexts().session;
  return (
    <li className="attachment" data-testid="attachment" data-kind={attachment.kind}>
      <Picture attachment={attachment} />
      <span className="attachment-name" title={composer.attachmentsNote}>
        <bdi>{attachment.name}</bdi>
      </span>
      <span className="muted">{useFacts(attachment)}</span>
      <IconButton label={composer.removeAttachment(attachment.name)} onClick={onRemove}>
        <X size={13} aria-hidden="true" />
      </IconButton>
    </li>
  );
}

function Picture({ attachment }: { attachment: Attachment }) {
  switch (attachment.kind) {
    case "image":
      return <img src={`data:${attachment.mimeType};base64,${attachment.data}`} alt="" />;
    case "text":
      return <FileText size={15} aria-hidden="true" />;
    case "reference":
      return <FileCode size={15} aria-hidden="true" />;
  }
}

function useFacts(attachment: Attachment): string {
  const { composer, locale } = useTexts().session;
  switch (attachment.kind) {
    case "image": {
      const size = bytesText(attachment.bytes, locale);
      return attachment.scaled ? `${size}, ${composer.scaled}` : size;
    }
    case "text":
      return composer.lines(lineCount(attachment.text));
    case "reference": {
      const { startLine, endLine } = attachment;
      return startLine === null && endLine === null ? "" : `${startLine ?? 1}–${endLine ?? ""}`;
    }
  }
}
