// Searches the talk: it shows only the entries that contain the words.

import { byId, h, icon, plural } from "./dom.js";
import { fold } from "../model/search.js";

/**
 * @param changed is called when the search wants other entries.
 * @returns {isOn, found(rows)}: whether a search is on, and the rows that contain the words.
 */
export function showTalkSearch(page, changed) {
  const input = h("input", {
    type: "search",
    id: "talk-search",
    placeholder: "Buscar en la charla…",
    "aria-label": "Buscar en la charla",
    autocomplete: "off",
    oninput: () => {
      count.textContent = "";
      changed();
    },
    onkeydown: (event) => event.key === "Escape" && close(),
  });
  const count = h("p", { class: "count", role: "status" });
  const end = h(
    "button",
    { type: "button", class: "round", "aria-label": "Dejar de buscar", onclick: () => close() },
    icon("cross"),
  );
  const bar = h("div", { class: "talk-search", role: "search", hidden: true }, input, count, end);
  byId("log").before(bar);
  const close = () => {
    bar.hidden = true;
    input.value = "";
    changed();
    page.composer.focus();
  };
  page.searchTalk = () => {
    bar.hidden = false;
    input.focus();
  };
  const wanted = () => fold(input.value);
  return {
    get isOn() {
      return !bar.hidden && wanted() !== "";
    },
    found(rows) {
      const words = wanted();
      const those = rows.filter(({ entry }) => entry && fold(textOf(entry)).includes(words));
      count.textContent = those.length === 0 ? "Nada" : plural(those.length, "línea", "líneas");
      return those;
    },
  };
}

const textOf = ({ from, to, text }) => [from, to, text].filter(Boolean).join(" ");
