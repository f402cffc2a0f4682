// The server's clock is the one that counts: a browser's may be wrong by an hour, and be set right while a page is open.

let ahead = 0;

/** heardTime takes the server's time in milliseconds, as an answer of now had it; what is off by no more than within stays. */
export function heardTime(at: number, within = 0) {
  if (Number.isNaN(at)) return;
  const found = at - Date.now();
  // A header names whole seconds, of a proxy's clock perhaps: it mends what is far off, and leaves alone what was heard exactly.
  if (Math.abs(found - ahead) > within) ahead = found;
}

/** now is the server's time in milliseconds. */
export const now = () => Date.now() + ahead;
