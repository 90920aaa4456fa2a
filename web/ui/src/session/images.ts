/** Makes images small enough to send, with the browser's own means. */

/** The browser can't read it as an image. */
export class NotAnImage extends Error {}

// Models scale larger images down to about this before they look.
const LONGEST_EDGE_PX = 1_568;
const QUALITIES = [0.85, 0.7, 0.5] as const;
const SMALLER = 0.7;
const TRIES = 4;

/** The image as a JPEG of at most so many bytes, smaller in pixels if it must be. Rejects with NotAnImage. */
export async function shrunk(image: Blob, mostBytes: number): Promise<Blob> {
  const bitmap = await createImageBitmap(image).catch(() => {
    throw new NotAnImage();
  });
  try {
    let scale = Math.min(1, LONGEST_EDGE_PX / Math.max(bitmap.width, bitmap.height));
    for (let attempt = 0; attempt < TRIES; attempt += 1, scale *= SMALLER) {
      const canvas = drawn(bitmap, scale);
      for (const quality of QUALITIES) {
        const blob = await encoded(canvas, quality);
        if (blob.size <= mostBytes) return blob;
      }
    }
    throw new NotAnImage();
  } finally {
    bitmap.close();
  }
}

function drawn(bitmap: ImageBitmap, scale: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const pencil = canvas.getContext("2d");
  if (pencil === null) throw new NotAnImage();
  // JPEG knows no transparency: what shines through is paper, not black.
  pencil.fillStyle = "white";
  pencil.fillRect(0, 0, canvas.width, canvas.height);
  pencil.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function encoded(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new NotAnImage()) : resolve(blob)), "image/jpeg", quality);
  });
}

/** Without the `data:` in front. */
export function asBase64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(new NotAnImage());
    reader.readAsDataURL(blob);
  });
}
