// The talk.  A live region: screen readers read new entries aloud, but not what leaves at the top.

import { byId, paced, syncList } from "./dom.js";
import { drawer } from "./entries.js";
import { showTalkSearch } from "./talk-search.js";
import { dayOf } from "../model/days.js";

/** The log follows the talk while its end is at most this many pixels away. */
const NEAR = 80;
/** One name stands above the lines of a farmer that come within this many milliseconds. */
const SAME_BREATH = 180_000;

/** At most this many new lines in a frame rise into their places. */
const CALM = 2;

export function showLog(page) {
  const log = byId("log");
  const toEnd = byId("to-end");
  const draw = drawer(page);
  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  let follows = true; // apart from the geometry, which is useless while the log is hidden
  const goToEnd = () => {
    log.scrollTop = log.scrollHeight;
    follows = true;
    toEnd.hidden = true;
  };
  const render = paced(() => {
    const last = log.lastElementChild;
    const { log: entries, read } = page.store.state;
    syncList(log, search.isOn ? search.found(rowsOf(entries, null)) : rowsOf(entries, read), keyOf, draw);
    riseAfter(last);
    if (follows) goToEnd();
    else if (log.lastElementChild !== last) toEnd.hidden = false;
  });
  const search = showTalkSearch(page, () => {
    follows = true;
    render();
  });
  log.addEventListener("scroll", () => {
    if (log.clientHeight > 0) follows = isAtEnd();
    if (follows) toEnd.hidden = true;
  });
  toEnd.addEventListener("click", () => {
    goToEnd();
    page.composer.focus();
  });
  new ResizeObserver(() => follows && goToEnd()).observe(log);
  const isOther = (state, before) => state.log !== before.log || state.read !== before.read;
  page.store.subscribe((state, before) => isOther(state, before) && render());
}

/** New lines rise into their places, unless there are too many to look at. */
function riseAfter(last) {
  const fresh = [];
  for (let row = last?.nextElementSibling ?? null; row !== null; row = row.nextElementSibling)
    fresh.push(row);
  if (fresh.length > CALM) return;
  for (const row of fresh) row.classList.add("fresh");
}

// -- rows --------------------------------------------------------------------------------------

const rows = new WeakMap(); // entry -> row, so that an unchanged entry has an unchanged row
const days = new Map(); // first entry of a day -> the row above it
let rule = { isRule: true, after: null };

const keyOf = (row) => row.entry?.id ?? (row.isRule ? "rule" : `day ${row.day}`);

/**
 * The entries, each with whether it continues the one before.  A date stands above the entries of
 * another day.  A line stands below what the person had read, when there is more.
 */
function rowsOf(log, read) {
  const found = [];
  log.forEach((entry, index) => {
    const before = log[index - 1];
    if (before !== undefined && before.id === read) found.push(ruleAfter(read));
    if (isNewDay(entry, before)) found.push(dayAbove(entry));
    const goesOnHere = found.at(-1)?.entry === before && goesOn(entry, before);
    // The entry above the first one is forgotten, so the first one keeps its look.
    found.push(before === undefined && rows.get(entry) ? rows.get(entry) : rowOf(entry, goesOnHere));
  });
  return found;
}

function rowOf(entry, follows) {
  const known = rows.get(entry);
  if (known?.follows === follows) return known;
  const row = { entry, follows };
  rows.set(entry, row);
  return row;
}

function isNewDay(entry, before) {
  if (before === undefined) return dayOf(entry.at) !== dayOf(Date.now());
  return dayOf(entry.at) !== dayOf(before.at);
}

/** One row for each place and each today: at midnight "Hoy" becomes "Ayer". */
function dayAbove({ at }) {
  const day = dayOf(at);
  const today = dayOf(Date.now());
  const known = days.get(day);
  if (known?.today === today) return known;
  const row = { day, at, today };
  days.set(day, row);
  return row;
}

function ruleAfter(read) {
  if (rule.after !== read) rule = { isRule: true, after: read };
  return rule;
}

function goesOn(entry, before) {
  if (before === undefined || entry.kind !== "said" || before.kind !== "said") return false;
  return entry.from === before.from && entry.at - before.at < SAME_BREATH;
}
