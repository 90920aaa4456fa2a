/** The help sheet: every shortcut there is at this moment, drawn from the list that handles them. */

import { Fragment } from "react";
import { useTexts } from "../i18n/texts";
import { Dialog } from "../parts/Dialog";
import { shortcuts as known } from "../lib/shortcuts";
import type { Shortcut, ShortcutGroup } from "../lib/shortcuts";

const GROUPS: readonly ShortcutGroup[] = ["general", "sessions", "writing", "transcript", "approvals"];

export default function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog title={texts.app.shortcuts.title} onClose={onClose} testId="shortcut-sheet">
      <div className="shortcut-groups">
        {GROUPS.map((group) => (
          <Group
            key={group}
            name={texts.app.shortcuts.groups[group]}
            items={known.all.filter((each) => each.group === group)}
          />
        ))}
      </div>
    </Dialog>
  );
}

function Group({ name, items }: { name: string; items: readonly Shortcut[] }) {
  const texts = useTexts();
  if (items.length === 0) return null;
  return (
    <section>
      <h3>{name}</h3>
      <dl>
        {items.map((shortcut) => (
          <div key={shortcut.id} className="shortcut">
            <dt>{shortcut.label(texts)}</dt>
            <dd>
              {known.keysOf(shortcut).map((key, index) => (
                <Fragment key={key}>
                  {index > 0 && " "}
                  <kbd>{key}</kbd>
                </Fragment>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
