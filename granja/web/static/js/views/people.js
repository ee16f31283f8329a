// Who is here, with a button to whisper and one to trade beside each.

import { avatar, byId, h, icon, syncList, watchPaced } from "./dom.js";
import { sameName } from "../model/names.js";

export function showPeople(page) {
  const list = byId("people-list");
  list.tabIndex = -1;
  watchPaced(
    page.store,
    (state) => state.people,
    (people) => {
      const me = page.store.state.me;
      byId("people-count").textContent = people.length || "";
      syncList(
        list,
        people,
        (name) => name,
        (name) => person(page, name, sameName(name, me)),
      );
    },
  );
}

function person(page, name, isMe) {
  const label = h("span", { class: "person-name", title: name }, name, isMe && h("small", {}, " (tú)"));
  if (isMe) return h("li", { class: "person" }, avatar(name), label);
  const whisper = () => page.composer.whisperTo(name);
  const trade = () => page.offerDialog.open({ whom: name });
  return h(
    "li",
    { class: "person" },
    avatar(name),
    label,
    h(
      "button",
      {
        type: "button",
        class: "round",
        title: "Susurrar",
        "aria-label": `Susurrar a ${name}`,
        onclick: whisper,
      },
      icon("whisper"),
    ),
    h(
      "button",
      {
        type: "button",
        class: "round",
        title: "Intercambiar",
        "aria-label": `Proponer un intercambio a ${name}`,
        onclick: trade,
      },
      icon("trade"),
    ),
  );
}
