/** The session's model, to be switched at any time: the next request goes to the new one. */

import { useEffect, useState } from "react";
import type { Hub } from "@parley/client";

interface Props {
  readonly hub: Hub;
  readonly model: string;
  readonly onChange: (model: string) => void;
}

export function ModelSwitch({ hub, model, onChange }: Props) {
  const { names, reload } = useModelNames(hub);
  // A model can be known by name without being in the list.
  const choices = names.includes(model) ? names : [model, ...names];
  return (
    <select
      className="model-switch"
      aria-label="Model"
      data-testid="model-switch"
      value={model}
      onFocus={reload}
      onChange={(event) => onChange(event.target.value)}
    >
      {choices.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

/** Empty until the server has said; a failure shows as the present model alone, and is made good at the next focus. */
function useModelNames(hub: Hub) {
  const [names, setNames] = useState<readonly string[]>([]);
  const reload = () => {
    if (names.length === 0) void load(hub).then(setNames);
  };
  useEffect(() => {
    let wanted = true;
    void load(hub).then((loaded) => wanted && setNames(loaded));
    return () => {
      wanted = false;
    };
  }, [hub]);
  return { names, reload };
}

function load(hub: Hub): Promise<readonly string[]> {
  return hub.models().then(
    (models) => models.map(({ name }) => name),
    () => [],
  );
}
