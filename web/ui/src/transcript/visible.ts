/** Makes visible what would not be seen or would turn the text around: in names, paths and code nothing may hide. */

// C0 and C1 controls but tab and line breaks; soft hyphen; Arabic letter mark; zero width; embeddings, overrides,
// isolates; line and paragraph separators; invisible operators; byte order mark; tags; joiners but those of emoji.
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|(?<!\p{Extended_Pictographic}\ufe0f?)\u200d/gu;

/** Each hidden character as its number: `⟨U+202E⟩`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const number = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return `⟨U+${number}⟩`;
  });
}

/** For one line: line breaks and tabs are hidden there, too. */
export function visibleLine(text: string): string {
  return visible(text.replaceAll(/[\r\n\t]+/g, " "));
}
