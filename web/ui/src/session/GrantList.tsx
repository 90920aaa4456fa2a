/** The tools that need no approval in this session, each to be taken back. Nothing while there are none. */

import type { Grant } from "@parley/client";

interface Props {
  readonly grants: readonly Grant[];
  readonly onRevoke: (tool: string) => void;
}

export function GrantList({ grants, onRevoke }: Props) {
  if (grants.length === 0) return null;
  return (
    <div className="grants" data-testid="grants">
      <span>Allowed in this session:</span>
      <ul>
        {grants.map(({ tool }) => (
          <li key={tool}>
            <code>{tool}</code>
            <button
              type="button"
              className="quiet"
              aria-label={`Ask again before ${tool} runs`}
              title="Ask again from now on"
              onClick={() => onRevoke(tool)}
              data-testid="revoke"
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
