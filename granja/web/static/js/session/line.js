// A page that was kept for when there is no line: it waits for the line, and then is loaded anew, so
// that an old page never speaks with a newer server.

import { pauseBefore } from "./connection.js";

/** Milliseconds for an answer.  A tunnel may take the question and give none. */
const PATIENCE = 8000;

/** Whether this page comes from the browser's own store (static/worker.js marks it). */
export const isKept = () => document.documentElement.hasAttribute("data-kept");

/**
 * Ask for the server again and again, with growing pauses.
 * @param button asks at once, as what is returned does.
 */
export function untilThereIsALine(button) {
  let timer = null;
  let attempt = 0;
  const ask = async () => {
    clearTimeout(timer);
    timer = setTimeout(ask, pauseBefore(attempt));
    attempt += 1;
    if (await answers()) location.reload();
  };
  const now = () => {
    attempt = 0;
    ask();
  };
  button.addEventListener("click", now);
  ask();
  return now;
}

async function answers() {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    return (await fetch("./", { method: "HEAD", cache: "no-store", signal })).ok;
  } catch {
    return false; // no line yet
  }
}
