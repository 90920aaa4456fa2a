/** How long to wait before the next attempt. Never gives up and never waits itself. */

const FIRST_MS = 250;
// Long enough to spare a server that is down, short enough that nobody reloads the page out of impatience.
const LONGEST_MS = 10_000;

/** Full jitter, as the Python client and the server have it: anything up to a bound that doubles per attempt (from 0),
 * so that those who failed together don't come back together. */
export function delayMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
}
