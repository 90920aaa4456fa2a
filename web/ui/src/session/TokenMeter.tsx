/** How much of the model's window the last request filled, and in a popover what was counted. */

import type { ModelInfo, Snapshot } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { contextUse } from "./contextUse";
import type { ContextUse } from "./contextUse";
import { compactNumber, percent, wholeNumber } from "../i18n/numbers";
import { Popover } from "./Popover";

interface Props {
  readonly snapshot: Snapshot;
  readonly models: readonly ModelInfo[];
}

// From here on a reader should think of compressing, or of a new session.
const FULL = 0.85;

export function TokenMeter({ snapshot, models }: Props) {
  const { tokens, locale } = useTexts().session;
  const use = contextUse(snapshot.messages);
  const window = models.find(({ name }) => name === (use?.model ?? snapshot.model))?.windowTokens ?? null;
  const part = use === null || window === null ? 0 : Math.min(1, use.used / window);
  const label = labelOf(use, window, tokens, locale);
  return (
    <Popover
      label={label}
      className="token-meter"
      testId="token-meter"
      panel={() => <Details use={use} window={window} total={snapshot.usage} />}
    >
      <svg className="meter" viewBox="0 0 40 6" aria-hidden="true" data-full={part >= FULL ? "" : undefined}>
        <rect className="meter-ground" width="40" height="6" rx="3" />
        <rect className="meter-part" width={40 * part} height="6" rx="3" />
      </svg>
      <span className="meter-text">{use === null ? "–" : compactNumber(use.used, locale)}</span>
    </Popover>
  );
}

type TokenWords = ReturnType<typeof useTexts>["session"]["tokens"];

function labelOf(use: ContextUse | null, window: number | null, words: TokenWords, locale: string): string {
  if (use === null) return words.none;
  const used = wholeNumber(use.used, locale);
  return window === null ? words.meterUnknown(used) : words.meter(used, wholeNumber(window, locale));
}

interface DetailsProps {
  readonly use: ContextUse | null;
  readonly window: number | null;
  readonly total: Snapshot["usage"];
}

function Details({ use, window, total }: DetailsProps) {
  const { tokens, locale } = useTexts().session;
  const estimated = use?.usage.estimated === true || total.estimated;
  const share = use !== null && window !== null ? ` (${percent(use.used / window, locale)})` : "";
  return (
    <div className="token-details" data-testid="token-details">
      <h2>{tokens.lastRequest + share}</h2>
      {use === null ? (
        <p>{tokens.none}</p>
      ) : (
        <dl>
          <Row name={tokens.read} value={use.usage.inputTokens} estimated={use.usage.estimated} />
          <Row name={tokens.written} value={use.usage.outputTokens} estimated={use.usage.estimated} />
          {window !== null && <Row name={tokens.window} value={window} estimated={false} />}
          {window !== null && <Row name={tokens.free} value={Math.max(0, window - use.used)} estimated={false} />}
        </dl>
      )}
      <h2>{tokens.allRequests}</h2>
      <dl>
        <Row name={tokens.read} value={total.inputTokens} estimated={total.estimated} />
        <Row name={tokens.written} value={total.outputTokens} estimated={total.estimated} />
      </dl>
      <p className="note">{tokens.about}</p>
      {estimated && <p className="note">{tokens.aboutEstimated}</p>}
    </div>
  );
}

function Row({ name, value, estimated }: { name: string; value: number; estimated: boolean }) {
  const { tokens, locale } = useTexts().session;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {estimated && <abbr title={tokens.estimated}>≈ </abbr>}
        {wholeNumber(value, locale)}
      </dd>
    </div>
  );
}
