// The frame: the door or the farm, the top bar, the tabs of a phone, the title's count.

import { avatar, byId, h, icon, isNarrow, watch } from "./dom.js";
import { recall, remember } from "../session/memory.js";

const TABS = [
  { panel: "talk", label: "Charla", symbol: "talk" },
  { panel: "collection", label: "Colección", symbol: "shelf" },
  { panel: "offers", label: "Ofertas", symbol: "trade" },
  { panel: "people", label: "Gente", symbol: "people" },
];

export function showFrame(page) {
  const { store } = page;
  showTheme(recall("theme"));
  document.body.prepend(skipLink(page));
  byId("top-actions").append(themeButton(), accountButton(page), leaveButton(page));
  showTabs(page);
  watch(
    store,
    (state) => state.phase === "door" || state.step !== null,
    (outside) => {
      byId("door").hidden = !outside;
      byId("farm").hidden = outside;
      if (!outside) page.composer.enter();
    },
  );
  watch(
    store,
    (state) => state.me,
    (me) => {
      byId("whoami").replaceChildren(...(me ? [avatar(me), h("span", { title: me }, me)] : []));
    },
  );
  watch(store, (state) => state.log, countUnread(page));
}

/** The first key of all leads past everything, to where one types. */
function skipLink(page) {
  const link = h("a", { class: "skip", href: "#line" }, "Ir a escribir");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    page.goTo("talk");
    page.composer.focus();
  });
  watch(
    page.store,
    (state) => state.phase === "door" || state.step !== null,
    (outside) => {
      link.hidden = outside;
    },
  );
  return link;
}

// -- light and dark --------------------------------------------------------------------------

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function showTheme(theme) {
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}

function themeButton() {
  const button = h("button", { type: "button", class: "round", title: "Día o noche" });
  const show = () => {
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.setAttribute(
      "aria-label",
      isDark() ? "Pasar a colores de día" : "Pasar a colores de noche",
    );
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    showTheme(theme);
    remember("theme", theme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  return button;
}

// -- the other buttons of the top bar --------------------------------------------------------

function accountButton({ store }) {
  const button = h("button", { type: "button", class: "top-button", id: "account-open" });
  watch(
    store,
    (state) => state.registered,
    (registered) => {
      const label = registered ? "Cambiar contraseña" : "Registrar mi nombre";
      button.replaceChildren(icon("key"), h("span", {}, label));
      button.setAttribute("aria-label", label);
    },
  );
  return button;
}

function leaveButton({ session }) {
  const leave = () => session.command("talk.leave") || session.becomeStranger();
  const attributes = { type: "button", class: "top-button", "aria-label": "Salir de la granja" };
  return h("button", { ...attributes, onclick: leave }, icon("leave"), h("span", {}, "Salir"));
}

// -- tabs ------------------------------------------------------------------------------------

function showTabs(page) {
  const buttons = TABS.map(({ panel, label, symbol }) => {
    const badge = h("span", { class: "badge", hidden: true });
    const go = () => page.goTo(panel);
    return h(
      "button",
      { type: "button", "data-panel": panel, onclick: go },
      icon(symbol),
      label,
      badge,
    );
  });
  byId("tabs").append(...buttons);
  page.goTo = (panel) => {
    document.body.dataset.tab = panel;
    for (const button of buttons) {
      button.toggleAttribute("aria-current", button.dataset.panel === panel);
      if (button.dataset.panel === panel) button.setAttribute("aria-current", "true");
    }
    if (panel === "talk") page.sawAll?.();
  };
  page.goTo("talk");
  const badge = (panel, count, what) => setBadge(buttons, panel, count, what);
  const waiting = (state) => state.offers.filter((offer) => offer.way === "in").length;
  watch(page.store, waiting, (count) => badge("offers", count, "por responder"));
  page.badge = badge;
}

function setBadge(buttons, panel, count, what) {
  const badge = buttons.find((button) => button.dataset.panel === panel).querySelector(".badge");
  badge.hidden = count === 0;
  badge.textContent = count > 99 ? "99+" : String(count);
  badge.setAttribute("aria-label", `${count} ${what}`);
}

// -- what was not seen yet -------------------------------------------------------------------

/** What is counted, and what the title says of it; what stands first is said. */
const CALLS = [
  { kinds: ["proposal", "trade"], word: "Intercambio" },
  { kinds: ["whispered"], word: "Susurro" },
  { kinds: ["said", "action"], word: null },
];

const callOf = (entry) => (entry.own ? undefined : CALLS.find((c) => c.kinds.includes(entry.kind)));

function countUnread(page) {
  let unread = [];
  const show = () => {
    const first = CALLS.find((call) => unread.includes(call));
    const word = first?.word ? `${first.word} · ` : "";
    document.title = unread.length > 0 ? `(${unread.length}) ${word}Granja` : "Granja";
    page.badge("talk", unread.length, "sin leer");
  };
  page.sawAll = () => {
    unread = [];
    show();
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isTalkShown()) page.sawAll();
  });
  return (log, before) => {
    const last = before?.at(-1)?.id ?? 0;
    if (document.hidden || !isTalkShown()) {
      const calls = log.filter((entry) => entry.id > last).map(callOf);
      unread = unread.concat(calls.filter(Boolean));
      show();
    }
  };
}

const isTalkShown = () => !isNarrow() || document.body.dataset.tab === "talk";
