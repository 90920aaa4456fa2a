/** Which addresses of a text become links. Pure. */

const ALLOWED = new Set(["http:", "https:", "mailto:"]);

export interface SafeLink {
  readonly href: string;
  /** Where it leads: the host, or the address of a mail. */
  readonly to: string;
}

/** Null for everything that is not plainly a place on the web or a mail: scripts, data, files, relative paths. */
export function safeLink(address: string): SafeLink | null {
  const text = address.trim();
  // Without its scheme an address would be one of this page's own server.
  if (!/^(?:https?:\/\/|mailto:)/i.test(text)) return null;
  const url = URL.parse(text);
  if (url === null || !ALLOWED.has(url.protocol)) return null;
  return { href: url.href, to: url.protocol === "mailto:" ? url.pathname : url.host };
}
