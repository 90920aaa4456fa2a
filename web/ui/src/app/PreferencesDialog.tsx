/** The user's preferences. Each choice holds at once, on every page of the user. */

import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import type { HubClient, ModelInfo } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { Dialog } from "../parts/Dialog";
import { Segments } from "../parts/Segments";
import { CHOICES, usePreferences } from "../lib/preferences";
import type { Choice } from "../lib/preferences";
import { toasts } from "../lib/toasts";
import type { UserStateStore } from "@parley/client";

interface Props {
  readonly hub: HubClient;
  readonly state: UserStateStore;
  readonly onClose: () => void;
}

export default function PreferencesDialog({ hub, state, onClose }: Props) {
  const texts = useTexts().app.preferences;
  const preferences = usePreferences();
  const change = (changed: Readonly<Record<string, unknown>>) => void state.update({ preferences: changed });
  const choice = (name: Choice) => (
    <Line key={name} label={texts.names[name]} hint={texts.hints[name]}>
      <Segments
        label={texts.names[name]}
        value={preferences[name]}
        options={CHOICES[name].map((value) => ({ value, label: wordOf(texts.choices[name], value) }))}
        onChange={(value) => change({ [name]: value })}
        testId={`preference-${name}`}
      />
    </Line>
  );
  return (
    <Dialog title={texts.title} onClose={onClose} testId="preferences">
      <div className="preferences">
        <h3>{texts.look}</h3>
        {(["theme", "fontSize", "language"] as const).map(choice)}
        <h3>{texts.work}</h3>
        <Line label={texts.names.defaultModel} hint={texts.hints.defaultModel}>
          <ModelChoice
            hub={hub}
            chosen={preferences.defaultModel}
            onChange={(model) => change({ defaultModel: model })}
          />
        </Line>
        {(["approvalPolicy", "sendKey"] as const).map(choice)}
        <h3>{texts.connection}</h3>
        <Line label={texts.names.notifications} hint={texts.hints.notifications}>
          <Notifications wanted={preferences.notifications} onChange={(on) => change({ notifications: on })} />
        </Line>
        {choice("delivery")}
      </div>
    </Dialog>
  );
}

function Line({ label, hint, children }: { label: string; hint: string; children: ReactNode }) {
  return (
    <div className="preference">
      <div>
        <span className="preference-name">{label}</span>
        {hint !== "" && <p className="preference-hint">{hint}</p>}
      </div>
      {children}
    </div>
  );
}

function ModelChoice({
  hub,
  chosen,
  onChange,
}: {
  hub: HubClient;
  chosen: string | null;
  onChange: (model: string | null) => void;
}) {
  const texts = useTexts().app.preferences;
  const models = useModels(hub);
  // One that the server no longer has is shown too: else the list would say that another one is chosen.
  const names = new Set([...models.map(({ name }) => name), ...(chosen === null ? [] : [chosen])]);
  return (
    <select
      aria-label={texts.names.defaultModel}
      data-testid="preference-defaultModel"
      value={chosen ?? ""}
      onChange={(event) => onChange(event.target.value || null)}
    >
      <option value="">{texts.serverModel}</option>
      {[...names].map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function useModels(hub: HubClient): readonly ModelInfo[] {
  const [models, setModels] = useState<readonly ModelInfo[]>([]);
  useEffect(() => {
    let wanted = true;
    hub.models().then(
      (known) => wanted && setModels(known),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [hub]);
  return models;
}

/** The browser is asked when the user switches it on, and never before. */
function Notifications({ wanted, onChange }: { wanted: boolean; onChange: (on: boolean) => void }) {
  const texts = useTexts().app.preferences;
  const [allowed, setAllowed] = useState(() => permission() === "granted");
  const ask = async () => {
    const answer = permission() === "unsupported" ? "denied" : await Notification.requestPermission();
    setAllowed(answer === "granted");
    if (answer === "granted") onChange(true);
    else toasts.error(texts.notAllowed);
  };
  return (
    <label className="switch">
      <input
        type="checkbox"
        role="switch"
        aria-label={texts.names.notifications}
        data-testid="preference-notifications"
        checked={wanted && allowed}
        onChange={(event) => (event.target.checked ? void ask() : onChange(false))}
      />
      <span>{wanted && allowed ? texts.on : wanted ? texts.onElsewhere : texts.off}</span>
    </label>
  );
}

function permission(): NotificationPermission | "unsupported" {
  return "Notification" in window ? Notification.permission : "unsupported";
}

function wordOf(words: Readonly<Record<string, string>>, value: string): string {
  return words[value] ?? value;
}
