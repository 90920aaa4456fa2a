/** The branches of the session as a tree: which is open, where each was forked, and what can be done with it. */

import { GitBranch, GitMerge, Plus } from "lucide-react";
import type { Branch } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { branchTree } from "./branchTree";
import { Popover } from "./Popover";

interface Props {
  readonly branches: readonly Branch[];
  readonly active: string;
  /** No other branch can be opened while a run writes to this one. */
  readonly busy: boolean;
  readonly onSwitch: (name: string) => void;
  readonly onMerge: (source: string) => void;
  readonly onFork: () => void;
}

export function BranchPicker(props: Props) {
  const words = useTexts().session.branches;
  return (
    <Popover
      label={words.current(props.active)}
      name={words.label}
      className="header-choice"
      testId="branch-picker"
      panel={(close) => <BranchTree {...props} onClose={close} />}
    >
      <GitBranch size={14} aria-hidden="true" />
      <span className="choice-text">{props.active}</span>
      {props.branches.length > 1 && <span className="count">{props.branches.length}</span>}
    </Popover>
  );
}

function BranchTree({ onClose, ...props }: Props & { readonly onClose: () => void }) {
  const words = useTexts().session.branches;
  const act = (work: () => void) => {
    onClose();
    work();
  };
  return (
    <div className="branches" data-testid="branches">
      <h2>{words.title}</h2>
      <ul>
        {branchTree(props.branches).map(({ branch, depth }) => (
          <li key={branch.name} className="branch-row" style={{ paddingInlineStart: `${depth}rem` }}>
            <BranchRow {...props} branch={branch} act={act} />
          </li>
        ))}
      </ul>
      {props.busy && <p className="note">{words.busy}</p>}
      <button type="button" className="quiet new-branch" disabled={props.busy} onClick={() => act(props.onFork)}>
        <Plus size={14} aria-hidden="true" />
        {words.new}
      </button>
    </div>
  );
}

interface RowProps extends Props {
  readonly branch: Branch;
  readonly act: (work: () => void) => void;
}

function BranchRow({ branch, active, busy, onSwitch, onMerge, act }: RowProps) {
  const words = useTexts().session.branches;
  const { name, parent, forkedAt, length, systemPrompt } = branch;
  const open = name === active;
  const facts = [
    words.messages(length),
    ...(parent === null ? [] : [words.forkedAt(parent, forkedAt)]),
    ...(systemPrompt === null && branch.truncated !== true ? [] : [words.ownPrompt]),
  ];
  return (
    <>
      <button
        type="button"
        className="branch-name"
        aria-current={open ? "true" : undefined}
        disabled={busy || open}
        data-branch={name}
        onClick={() => act(() => onSwitch(name))}
      >
        <bdi>{name}</bdi>
        <span className="choice-hint">{facts.join(" · ")}</span>
      </button>
      {open ? (
        <span className="badge">{words.active}</span>
      ) : (
        <button
          type="button"
          className="quiet"
          disabled={busy}
          data-testid="merge-from"
          onClick={() => act(() => onMerge(name))}
        >
          <GitMerge size={14} aria-hidden="true" />
          {words.merge}
        </button>
      )}
    </>
  );
}
