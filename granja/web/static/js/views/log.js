// The conversation.  A live region: what is added is read aloud, what leaves at the top is not.

import { avatar, byId, h, icon, paced, picture, syncList } from "./dom.js";
import { mentions } from "../model/names.js";

/** Pixels from the end within which the log follows what is said. */
const NEAR = 80;
/** Talk of one farmer within this many milliseconds stands under one name. */
const SAME_BREATH = 180_000;

/** As many new lines in a frame rise into their places. */
const CALM = 2;

const CLOCK = new Intl.DateTimeFormat("es", { hour: "2-digit", minute: "2-digit" });

export function showLog(page) {
  const log = byId("log");
  const toEnd = byId("to-end");
  const draw = drawer(page);
  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  let follows = true; // kept apart from the geometry, which says nothing while the log is hidden
  const goToEnd = () => {
    log.scrollTop = log.scrollHeight;
    follows = true;
    toEnd.hidden = true;
  };
  const render = paced(() => {
    const last = log.lastElementChild;
    syncList(log, joined(page.store.state.log), (row) => row.entry.id, draw);
    riseAfter(last);
    if (follows) goToEnd();
    else if (log.lastElementChild !== last) toEnd.hidden = false;
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
  page.store.subscribe((state, before) => state.log !== before.log && render());
}

/** New lines rise into their places, unless they are many: nobody could look at them. */
function riseAfter(last) {
  const fresh = [];
  for (let row = last?.nextElementSibling ?? null; row !== null; row = row.nextElementSibling)
    fresh.push(row);
  if (fresh.length > CALM) return;
  for (const row of fresh) row.classList.add("fresh");
}

const rows = new WeakMap(); // entry -> row, so that an unchanged entry is an unchanged row

/** Entries with whether each goes on where the one before stopped. */
function joined(log) {
  return log.map((entry, index) => {
    if (!rows.has(entry)) rows.set(entry, { entry, follows: goesOn(entry, log[index - 1]) });
    return rows.get(entry);
  });
}

function goesOn(entry, before) {
  if (!before || entry.kind !== "said" || before.kind !== "said") return false;
  return entry.from === before.from && entry.at - before.at < SAME_BREATH;
}

// -- entries ---------------------------------------------------------------------------------

function drawer(page) {
  const kinds = { said, action, whispered, proposal, typed };
  return ({ entry, follows }) => (kinds[entry.kind] ?? announced)(page, entry, follows);
}

function row(entry, classes, ...children) {
  const own = entry.own ? " own" : "";
  const node = h("div", { class: `entry ${classes}${own}` }, ...children);
  if (entry.doubtful) node.append(doubt(entry));
  return node;
}

function time(at) {
  return h("time", { datetime: new Date(at).toISOString() }, CLOCK.format(at));
}

function said({ store }, entry, follows) {
  const called = !entry.own && mentions(entry.text, store.state.me);
  const classes = `said${follows ? " follows" : ""}${called ? " called" : ""}`;
  const name = h(
    "span",
    { class: "who" },
    entry.own ? "Tú" : entry.from,
    h("span", { class: "hidden" }, ": "),
  );
  const head = h("p", { class: follows ? "head hidden" : "head" }, name, time(entry.at));
  const bubble = h("div", { class: "bubble" }, head, h("p", { class: "text" }, entry.text));
  return withDoubt(entry, row({ own: entry.own }, classes, avatar(entry.from), bubble));
}

function whispered(page, entry) {
  const who = entry.own ? entry.to : entry.from;
  const label = entry.own ? `Le susurraste a ${who}` : `${who} te susurra`;
  const head = h(
    "p",
    { class: "head" },
    icon("whisper"),
    h("span", { class: "who" }, label),
    h("span", { class: "hidden" }, ": "),
    time(entry.at),
  );
  const reply = () => page.composer.whisperTo(who);
  // Who has left is not answered: whoever comes under that name may be somebody else.
  const again =
    !entry.past &&
    h(
      "button",
      { type: "button", class: "link", onclick: reply },
      entry.own ? "Seguir susurrando" : "Responder",
    );
  const bubble = h("div", { class: "bubble" }, head, h("p", { class: "text" }, entry.text), again);
  return withDoubt(entry, row({ own: entry.own }, "whispered", avatar(entry.from), bubble));
}

function action({ store }, entry) {
  const called = !entry.own && mentions(entry.text, store.state.me);
  const classes = `action${called ? " called" : ""}`;
  const name = h("span", { class: "who" }, entry.from);
  const text = h("p", { class: "text" }, "* ", name, ` ${entry.text}`);
  return withDoubt(entry, row({ own: entry.own }, classes, h("div", { class: "bubble" }, text)));
}

function proposal(page, entry) {
  const see = () => {
    page.goTo("offers");
    byId(`offer-${entry.number}`)?.querySelector("button")?.focus();
  };
  const pictures = h(
    "span",
    { class: "swap" },
    picture(entry.gives),
    icon("trade"),
    picture(entry.takes),
  );
  const sentence = `${entry.from} te ofrece su ${entry.gives.name} por tu ${entry.takes.name}.`;
  const button = h("button", { type: "button", class: "small", onclick: see }, "Ver la oferta");
  return row(entry, "announced offer", pictures, h("p", { class: "text" }, sentence), button);
}

function typed(page, entry) {
  return row(entry, "typed", h("p", { class: "text" }, entry.text));
}

function announced(page, entry) {
  return row(entry, `announced ${entry.kind}`, h("p", { class: "text" }, entry.text));
}

// -- lines that may be lost ------------------------------------------------------------------

function withDoubt(entry, node) {
  if (entry.doubtful) node.querySelector(".bubble").append(doubt(entry));
  return node;
}

function doubt(entry) {
  const button = h(
    "button",
    { type: "button", class: "link", "data-again": entry.id },
    "Enviar de nuevo",
  );
  return h("p", { class: "doubt" }, "Quizá no llegó. ", entry.line !== null && !entry.past && button);
}
