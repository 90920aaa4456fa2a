/** Brings another branch into the one that is open: how, with what, and first a look at what it would do. */

import { useState } from "react";
import type { SubmitEvent } from "react";
import { messageOf } from "@parley/client";
import type { Branch, Message, MessagesPage } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { FormEnd } from "./FormEnd";
import { Dialog } from "../parts/Dialog";
import { readyToMerge, requestOf } from "./mergeWish";
import type { MergeAnswer, MergeRequest, MergeWish } from "./mergeWish";
import { MergePreview } from "./MergePreview";
import { MessagePicker } from "./MessagePicker";

interface Props {
  readonly target: Branch;
  readonly branches: readonly Branch[];
  readonly source: string;
  readonly onPreview: (request: MergeRequest) => Promise<MergeAnswer>;
  readonly onMerge: (request: MergeRequest) => Promise<unknown>;
  /** The page of a branch that ends just before a position, oldest first. */
  readonly onPage: (branch: string, before: number) => Promise<MessagesPage>;
  readonly onClose: () => void;
}

const STRATEGIES = ["append", "cherry-pick", "rebase", "summary"] as const;
const NO_PICKS: readonly Message[] = [];

export default function MergeDialog({ target, branches, onPreview, onMerge, onPage, onClose, ...given }: Props) {
  const { merge } = useTexts().session;
  const [wish, setWish] = useState<MergeWish>({
    source: given.source,
    strategy: "append",
    picked: NO_PICKS,
    summary: "",
    name: "",
    resolution: null,
  });
  const [conflicts, setConflicts] = useState<readonly string[]>([]);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<MergeWish>) => {
    setError(null);
    setWish({ ...wish, ...part });
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    onMerge(requestOf(wish)).then(onClose, (failure: unknown) => {
      setError(messageOf(failure));
      setBusy(false);
    });
  };
  const source = branches.find(({ name }) => name === wish.source);
  const others = branches.filter(({ name }) => name !== target.name);
  return (
    <Dialog title={merge.title(target.name)} onClose={onClose} testId="merge-dialog">
      <form className="dialog-form" onSubmit={submit}>
        <label>
          {merge.source}
          <select
            value={wish.source}
            onChange={(event) => change({ source: event.target.value, picked: NO_PICKS, resolution: null })}
          >
            {others.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <StrategyField strategy={wish.strategy} onChange={(strategy) => change({ strategy })} />
        {wish.strategy === "cherry-pick" && source !== undefined && (
          <MessagePicker
            key={source.name}
            branch={source}
            picked={wish.picked}
            onPage={(before) => onPage(source.name, before)}
            onChange={(picked) => change({ picked })}
          />
        )}
        {wish.strategy === "summary" && (
          <label>
            {merge.summaryText}
            <textarea rows={4} value={wish.summary} onChange={(event) => change({ summary: event.target.value })} />
          </label>
        )}
        {wish.strategy === "rebase" && (
          <label>
            {merge.name}
            <input
              maxLength={100}
              placeholder={merge.nameOptional}
              value={wish.name}
              onChange={(event) => change({ name: event.target.value })}
            />
          </label>
        )}
        <MergePreview wish={wish} onPreview={onPreview} onConflicts={setConflicts} />
        {conflicts.length > 0 && (
          <ConflictField
            conflicts={conflicts}
            source={wish.source}
            target={target.name}
            resolution={wish.resolution}
            onChange={(resolution) => change({ resolution })}
          />
        )}
        <FormEnd
          error={error}
          submit={merge.merge}
          disabled={busy || !readyToMerge(wish, conflicts)}
          onCancel={onClose}
          testId="merge"
        />
      </form>
    </Dialog>
  );
}

interface StrategyProps {
  readonly strategy: MergeWish["strategy"];
  readonly onChange: (strategy: MergeWish["strategy"]) => void;
}

function StrategyField({ strategy, onChange }: StrategyProps) {
  const { merge } = useTexts().session;
  return (
    <fieldset className="choices">
      <legend>{merge.strategy}</legend>
      {STRATEGIES.map((each) => (
        <label key={each} className="radio">
          <input type="radio" name="strategy" value={each} checked={each === strategy} onChange={() => onChange(each)} />
          <span>
            {merge[each]}
            <span className="choice-hint">{merge[`${each}Hint`]}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface ConflictProps {
  readonly conflicts: readonly string[];
  readonly source: string;
  readonly target: string;
  readonly resolution: MergeWish["resolution"];
  readonly onChange: (resolution: "source" | "target") => void;
}

/** Both sides changed the same: nobody but the reader can say which to keep. */
function ConflictField({ conflicts, source, target, resolution, onChange }: ConflictProps) {
  const { merge } = useTexts().session;
  const words: Readonly<Record<string, string>> = { pins: merge.conflictPins, plan: merge.conflictPlan };
  const sides = [
    { id: "target", name: target },
    { id: "source", name: source },
  ] as const;
  return (
    <fieldset className="choices conflicts" data-testid="merge-conflicts">
      <legend>
        {merge.conflicts} {conflicts.map((each) => words[each] ?? each).join(", ")}
      </legend>
      <p>{merge.keep}</p>
      {sides.map(({ id, name }) => (
        <label key={id} className="radio">
          <input type="radio" name="resolution" checked={resolution === id} onChange={() => onChange(id)} />
          <span>{merge.ours(name)}</span>
        </label>
      ))}
    </fieldset>
  );
}
