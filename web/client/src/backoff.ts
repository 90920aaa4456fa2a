/** How long to wait before the next attempt. Never gives up and never waits itself. */

const FIRST_MS = 250;
// Long enough to spare a server that is down, short enough that nobody reloads the page out of impatience.
const LONGEST_MS = 10_000;

/** Doubles per attempt (from 0) up to the longest; between half and all of it, so that clients return apart. */
export function delayMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return full * (0.5 + random() / 2);
}
