/** The session's model, to be switched at any time: the next request goes to the new one. */

import { Check, ChevronDown } from "lucide-react";
import type { ModelInfo } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { Menu } from "../parts/Menu";
import type { MenuItem } from "../parts/Menu";
import { compactNumber } from "../i18n/numbers";

interface Props {
  readonly model: string;
  readonly models: readonly ModelInfo[];
  readonly onChange: (model: string) => void;
}

export function ModelSwitch({ model, models, onChange }: Props) {
  const words = useTexts().session.model;
  // A model can be known by name without being in the list.
  const listed = models.some(({ name }) => name === model);
  const names = [...(listed ? [] : [model]), ...models.map(({ name }) => name)];
  const items = names.map((name): MenuItem => {
    const info = models.find((each) => each.name === name) ?? null;
    return {
      id: name,
      checked: name === model,
      label: <Choice name={name} info={info} chosen={name === model} />,
      onSelect: () => name !== model && onChange(name),
    };
  });
  return (
    <span className="model-switch" data-model={model}>
      <Menu label={words.switchTo(model)} items={items} className="header-choice" testId="model-switch">
        <span className="choice-text">{model}</span>
        <ChevronDown size={14} aria-hidden="true" />
      </Menu>
    </span>
  );
}

function Choice({ name, info, chosen }: { name: string; info: ModelInfo | null; chosen: boolean }) {
  return (
    <>
      <Check size={14} aria-hidden="true" className={chosen ? "check" : "check unchecked"} />
      <span className="choice">
        <span className="choice-name">{name}</span>
        <Abilities info={info} />
      </span>
    </>
  );
}

function Abilities({ info }: { info: ModelInfo | null }) {
  const { model, locale } = useTexts().session;
  if (info === null) return <span className="choice-hint">{model.unlisted}</span>;
  const abilities = [
    model.window(compactNumber(info.windowTokens, locale)),
    info.tools ? model.tools : model.noTools,
    ...(info.vision ? [model.vision] : []),
  ];
  return <span className="choice-hint">{abilities.join(" · ")}</span>;
}
