/** A picture that was sent along. One on another site is a link: nothing foreign is loaded. */

import { Image } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { Fold } from "../Fold";
import { LongText } from "../LongText";
import { safeLink } from "../markdown/links";
import { fieldsOf, textIn } from "../payload";
import type { Fields } from "../payload";
import { visible, visibleLine } from "../visible";

/** What a browser draws without running anything. SVG is drawn as a picture: no script in it runs. */
const SHOWN = /^image\/(?:png|jpeg|gif|webp|avif|bmp|svg\+xml)$/;
const BASE64 = /^[A-Za-z0-9+/=\s]+$/;
const STEP = 8_000;

export function ImageKind({ message }: { message: Message }) {
  const words = useTexts().transcript.image;
  const fields = fieldsOf(message);
  const [ocr, description, error] = ["ocrText", "description", "error"].map((name) => textIn(fields, name));
  return (
    <div className="artifact" data-testid="image">
      <Picture fields={fields} alt={description || message.content || words.alt} />
      {error !== "" && <p className="said-error">{visible(error ?? "")}</p>}
      <Text id={`${message.id} description`} title={words.description} text={description ?? ""} />
      <Text id={`${message.id} ocr`} title={words.ocr} text={ocr ?? ""} />
    </div>
  );
}

function Picture({ fields, alt }: { fields: Fields; alt: string }) {
  const words = useTexts().transcript.image;
  const [source, data, mimeType] = ["source", "data", "mimeType"].map((name) => textIn(fields, name));
  if (source === "url") return <ElsewhereCard address={data ?? ""} />;
  const base64 = source === "file" ? textIn(fields, "embedded") : (data ?? "");
  const name = source === "file" ? <Caption text={data ?? ""} /> : null;
  if (!SHOWN.test(mimeType ?? "") || base64 === "" || !BASE64.test(base64)) {
    return (
      <p className="artifact-line">
        <Image size={15} aria-hidden="true" /> {name} <span className="quiet-words">{words.notShown}</span>
      </p>
    );
  }
  return (
    <figure className="picture">
      <img src={`data:${mimeType};base64,${base64}`} alt={alt} loading="lazy" decoding="async" />
      {name !== null && <figcaption>{name}</figcaption>}
    </figure>
  );
}

function Caption({ text }: { text: string }) {
  return <bdi className="mono">{visibleLine(text)}</bdi>;
}

function ElsewhereCard({ address }: { address: string }) {
  const words = useTexts().transcript.image;
  const link = safeLink(address);
  const text = visibleLine(address.length > 300 ? `${address.slice(0, 300)}…` : address);
  return (
    <div className="artifact-line">
      <Image size={15} aria-hidden="true" />
      {link === null ? (
        <bdi className="mono">{text}</bdi>
      ) : (
        <a href={link.href} title={link.to} target="_blank" rel="noopener noreferrer">
          <bdi>{text}</bdi>
        </a>
      )}
      <span className="quiet-words">{words.elsewhere}</span>
    </div>
  );
}

function Text({ id, title, text }: { id: string; title: string; text: string }) {
  if (text === "") return null;
  return (
    <Fold id={id} summary={<span className="fold-title">{title}</span>}>
      {() => (
        <LongText id={id} text={text} step={STEP}>
          {(shown) => <p className="as-written">{visible(shown)}</p>}
        </LongText>
      )}
    </Fold>
  );
}
