// Draws the entries of the talk.

import { avatar, byId, h, icon, picture } from "./dom.js";
import { spokenText } from "./text.js";
import { sayDay } from "../model/days.js";
import { mentions } from "../model/names.js";

const CLOCK = new Intl.DateTimeFormat("es", { hour: "2-digit", minute: "2-digit" });

const READ_TO = "Hasta aquí habías leído";

/** Makes the node of a row of the talk: draw(row, its earlier node). */
export function drawer(page) {
  const kinds = { said, action, whispered, proposal, typed, moves };
  return (row, before) => {
    if (row.day !== undefined) return separator("day", sayDay(row.at, Date.now()));
    if (row.isRule) return separator("rule", READ_TO);
    return (kinds[row.entry.kind] ?? announced)(page, row.entry, row.follows, before);
  };
}

function separator(kind, text) {
  return h("div", { class: `entry announced ${kind}` }, h("p", { class: "text" }, text));
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
  const bubble = h("div", { class: "bubble" }, head, spokenText(entry.text));
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
  // There is no answer to a farmer who has left: somebody else may come with that name.
  const again =
    !entry.past &&
    h(
      "button",
      { type: "button", class: "link", onclick: reply },
      entry.own ? "Seguir susurrando" : "Responder",
    );
  const bubble = h("div", { class: "bubble" }, head, spokenText(entry.text), again);
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

/** Further moves change the sentence in place: a screen reader reads only the first one aloud. */
function moves(page, entry, follows, before) {
  if (before === undefined) return announced(page, entry);
  before.querySelector(".text").textContent = entry.text;
  return before;
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
  const button = (attribute, label) =>
    h("button", { type: "button", class: "link", [attribute]: entry.id }, label);
  const mayRepeat = entry.line !== null && !entry.past;
  return h(
    "p",
    { class: "doubt" },
    "Quizá no llegó. ",
    mayRepeat && button("data-again", "Enviar de nuevo"),
    mayRepeat && " ",
    button("data-settled", "Está bien así"),
  );
}
