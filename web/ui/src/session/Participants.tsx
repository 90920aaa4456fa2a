/** Who else has the session open: initials for the glance, names in a popover. */

import { Users } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { Popover } from "./Popover";

export interface Person {
  readonly userId: string;
  readonly name: string;
  readonly connections: number;
}

interface Props {
  readonly people: readonly Person[];
  /** More than are named, in a room that is too full for names. */
  readonly count: number;
  readonly me: string | null;
}

const SHOWN = 3;

export function Participants({ people, count, me }: Props) {
  const words = useTexts().session.people;
  const others = people.filter(({ userId }) => userId !== me);
  const shown = Math.max(1, count);
  const who = others.length === 0 ? words.here(1) : words.others(others.map(({ name }) => name).join(", "));
  // Begins with what is seen: somebody who speaks to the page says that.
  const label = `${shown} · ${who}`;
  return (
    <Popover label={label} className="participants" testId="participants" panel={() => <List people={people} count={count} me={me} />}>
      {others.length === 0 ? (
        <Users size={15} aria-hidden="true" />
      ) : (
        others.slice(0, SHOWN).map(({ userId, name }) => (
          <span key={userId} className="initials" aria-hidden="true">
            {initials(name)}
          </span>
        ))
      )}
      <span className="participant-count">{shown}</span>
    </Popover>
  );
}

function List({ people, count, me }: Props) {
  const words = useTexts().session.people;
  return (
    <div className="people" data-testid="people">
      <h2>{words.here(Math.max(1, count))}</h2>
      <ul>
        {people.map(({ userId, name, connections }) => (
          <li key={userId}>
            <span className="initials" aria-hidden="true">
              {initials(name)}
            </span>
            <span className="person">
              {name}
              {userId === me && <span className="muted"> ({words.you})</span>}
            </span>
            <span className="muted">{words.connections(connections)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Of the first and the last word; of a name in one piece its first letter. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  const letters = ends.map((word = "") => String.fromCodePoint(word.codePointAt(0) ?? 32).trim());
  return letters.join("").toUpperCase() || "?";
}
