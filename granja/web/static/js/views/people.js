// Who is here.  Beside each name are buttons to whisper and to trade; the name opens a card.

import { avatar, byId, h, icon, syncList, watchPaced } from "./dom.js";
import { PersonDialog } from "./person-dialog.js";
import { sameName } from "../model/names.js";
import { fold } from "../model/search.js";

/** With at least this many people, the page has a search. */
const MANY = 8;

export function showPeople(page) {
  const list = byId("people-list");
  const dialog = new PersonDialog(page);
  list.tabIndex = -1;
  const search = h("input", {
    type: "search",
    placeholder: "Buscar a alguien…",
    "aria-label": "Buscar a alguien",
    autocomplete: "off",
    oninput: () => draw(page.store.state),
  });
  const nobody = h("p", { class: "empty", role: "status" });
  byId("people-tools").append(search, nobody);
  // With the focus here, the arrows move what a low window cuts off.
  const unknown = h("p", { class: "empty", tabindex: "0" }, "Sin conexión no se ve quién está.");
  list.after(unknown);
  const draw = ({ people, ignored, me, phase }) => {
    unknown.hidden = people.length > 0 || phase === "inside";
    byId("people-count").textContent = people.length || "";
    byId("people-tools").hidden = people.length < MANY && search.value === "";
    const wanted = fold(search.value);
    const found = people.filter((name) => fold(name).includes(wanted));
    nobody.textContent = people.length > 0 && found.length === 0 ? "Nadie se llama así." : "";
    syncList(
      list,
      found.map((name) => itemOf(name, me, ignored)),
      ({ name }) => name,
      (item) => person(page, dialog, item),
    );
  };
  watchPaced(page.store, (state) => state.people, () => draw(page.store.state));
  watchPaced(page.store, (state) => state.ignored, () => draw(page.store.state));
}

const items = new Map(); // name -> item, so that an unchanged person has an unchanged row
const MOST_ITEMS = 5000;

function itemOf(name, me, ignored) {
  const isMe = sameName(name, me);
  const isIgnored = ignored.some((other) => sameName(other, name));
  const known = items.get(name);
  if (known?.isMe === isMe && known.isIgnored === isIgnored) return known;
  if (items.size > MOST_ITEMS) items.clear();
  const item = { name, isMe, isIgnored };
  items.set(name, item);
  return item;
}

function person(page, dialog, { name, isMe, isIgnored }) {
  const label = h(
    "span",
    { class: "person-name", title: name },
    name,
    isMe && h("small", {}, " (tú)"),
    isIgnored && h("small", {}, " (no le oyes)"),
  );
  const open = () => dialog.open(name);
  const attributes = { type: "button", class: "person-open", onclick: open };
  const card = h("button", attributes, avatar(name), label);
  if (isMe) return h("li", { class: "person" }, card);
  const whisper = () => page.composer.whisperTo(name);
  const trade = () => page.offerDialog.open({ whom: name });
  return h(
    "li",
    { class: "person" },
    card,
    h(
      "button",
      {
        type: "button",
        class: "round",
        title: `Susurrar a ${name}`,
        onclick: whisper,
      },
      icon("whisper"),
    ),
    h(
      "button",
      {
        type: "button",
        class: "round",
        title: `Proponer un intercambio a ${name}`,
        onclick: trade,
      },
      icon("trade"),
    ),
  );
}
