/** Makes an attachment of a file that was dropped, pasted or picked, or says why it can be none. */

import { newId } from "@parley/client";
import { TEXT_FILE_BYTES } from "./attachments";
import type { Attachment } from "./attachments";
import { NotAnImage, asBase64, shrunk } from "./images";

export type Trouble = "too_big" | "not_readable" | "broken_image";

/** The file can't go along; `trouble` says why. */
export class UnfitFile extends Error {
  readonly trouble: Trouble;
  readonly fileName: string;

  constructor(trouble: Trouble, fileName: string) {
    super(`${fileName}: ${trouble}`);
    this.name = "UnfitFile";
    this.trouble = trouble;
    this.fileName = fileName;
  }
}

// What every model takes, and about as large as models look at: what is larger is only slower everywhere.
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const IMAGE_BYTES = 600_000;

/** Rejects with UnfitFile. */
export async function readAttachment(file: File): Promise<Attachment> {
  // SVG is a text to models: none takes it as an image.
  if (file.type.startsWith("image/") && file.type !== "image/svg+xml") return readImage(file);
  if (file.size > TEXT_FILE_BYTES) throw new UnfitFile("too_big", file.name);
  return { id: newId(), kind: "text", name: file.name, text: await readText(file) };
}

async function readImage(file: File): Promise<Attachment> {
  const fits = IMAGE_TYPES.includes(file.type) && file.size <= IMAGE_BYTES;
  try {
    const image = fits ? file : await shrunk(file, IMAGE_BYTES);
    const data = await asBase64(image);
    const { type: mimeType, size: bytes } = image;
    return { id: newId(), kind: "image", name: file.name, mimeType, data, bytes, scaled: !fits };
  } catch (error) {
    if (error instanceof NotAnImage) throw new UnfitFile("broken_image", file.name);
    throw error;
  }
}

async function readText(file: File): Promise<string> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    if (!text.includes("\0")) return text.replaceAll("\r\n", "\n");
  } catch {
    // Not UTF-8, or gone since it was picked.
  }
  throw new UnfitFile("not_readable", file.name);
}
