/** The tools that need no approval in this session, each to be taken back. Nothing while there are none. */

import { X } from "lucide-react";
import type { Grant } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";

interface Props {
  readonly grants: readonly Grant[];
  readonly onRevoke: (tool: string) => void;
}

export function GrantList({ grants, onRevoke }: Props) {
  const { approvals } = useTexts().session;
  if (grants.length === 0) return null;
  return (
    <div className="grants" data-testid="grants">
      <span>{approvals.granted}</span>
      <ul>
        {grants.map(({ tool }) => (
          <li key={tool}>
            <code>{tool}</code>
            <IconButton label={approvals.askAgain(tool)} onClick={() => onRevoke(tool)} data-testid="revoke">
              <X size={13} aria-hidden="true" />
            </IconButton>
          </li>
        ))}
      </ul>
    </div>
  );
}
