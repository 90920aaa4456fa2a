/** What the model is told before the conversation, part by part. */

import { useEffect, useState } from "react";
import { messageOf } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { Dialog } from "../parts/Dialog";

export interface PromptPart {
  readonly name: string;
  readonly text: string;
}

interface Props {
  readonly load: () => Promise<readonly PromptPart[]>;
  readonly onClose: () => void;
}

type Loaded = readonly PromptPart[] | { readonly error: string } | null;

export default function PromptDialog({ load, onClose }: Props) {
  const { prompt } = useTexts().session;
  const [loaded, setLoaded] = useState<Loaded>(null);
  useEffect(() => {
    let wanted = true;
    load().then(
      (parts) => wanted && setLoaded(parts),
      (error: unknown) => wanted && setLoaded({ error: messageOf(error) }),
    );
    return () => {
      wanted = false;
    };
    // As it is when the dialog opens.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <Dialog title={prompt.title} onClose={onClose} testId="prompt-dialog">
      <p className="note">{prompt.about}</p>
      <Parts loaded={loaded} />
    </Dialog>
  );
}

function Parts({ loaded }: { loaded: Loaded }) {
  const { prompt, page } = useTexts().session;
  if (loaded === null) return <p className="note">{page.loading}</p>;
  if ("error" in loaded) {
    return (
      <p className="refusal" role="alert">
        {loaded.error}
      </p>
    );
  }
  const parts = loaded.filter(({ text }) => text !== "");
  if (parts.length === 0) return <p className="note">{prompt.empty}</p>;
  return parts.map(({ name, text }) => (
    <section key={name} className="prompt-part">
      <h3>{prompt.part[name] ?? name}</h3>
      <pre tabIndex={0} dir="auto">
        {text}
      </pre>
    </section>
  ));
}
