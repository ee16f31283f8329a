// The frame of the farm: the top bar, the tabs of a phone.

import { avatar, byId, h, icon, isNarrow, watch } from "./dom.js";
import { leaveButton } from "./leaving.js";
import { goneTo, showPlaces } from "./places.js";
import { isOutside, showTheme } from "./scene.js";
import { settingsButton } from "./settings-dialog.js";
import { remember } from "../session/memory.js";

const TABS = [
  { panel: "talk", label: "Charla", symbol: "talk" },
  { panel: "collection", label: "Colección", symbol: "shelf" },
  { panel: "offers", label: "Ofertas", symbol: "trade" },
  { panel: "people", label: "Gente", symbol: "people" },
];

export function showFrame(page) {
  const { store } = page;
  document.body.prepend(skipLink(page));
  escapeToTheLine(page);
  const actions = [themeButton(), settingsButton(page), accountButton(page), leaveButton(page)];
  byId("top-actions").append(...actions);
  showTabs(page);
  watch(store, isOutside, (outside) => outside || page.composer.enter());
  watch(
    store,
    (state) => state.me,
    (me) => {
      byId("whoami").replaceChildren(...(me ? [avatar(me), h("span", { title: me }, me)] : []));
    },
  );
}

/** The first press of Tab leads past everything, to the field where the person types. */
function skipLink(page) {
  const link = h("a", { class: "skip", href: "#line" }, "Ir a escribir");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    page.goTo("talk");
    page.composer.focus();
  });
  watch(page.store, isOutside, (outside) => {
    link.hidden = outside;
  });
  return link;
}

/** Out of a long list, wherever one is in it, one key leads to where one types. */
function escapeToTheLine(page) {
  for (const panel of ["people", "log", "offers", "collection"]) {
    byId(panel).addEventListener("keydown", (event) => {
      const isSearch = event.target.type === "search" && event.target.value !== "";
      if (event.key !== "Escape" || event.isComposing || isSearch) return;
      page.goTo("talk");
      page.composer.focus();
    });
  }
}

// -- light and dark --------------------------------------------------------------------------

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function themeButton() {
  const button = h("button", { type: "button", class: "round" });
  const show = () => {
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.title = isDark() ? "Pasar a colores de día" : "Pasar a colores de noche";
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
  const show = (panel) => {
    document.body.dataset.tab = panel;
    for (const button of buttons) {
      button.toggleAttribute("aria-current", button.dataset.panel === panel);
      if (button.dataset.panel === panel) button.setAttribute("aria-current", "true");
    }
    page.looks?.();
  };
  page.goTo = (panel) => {
    show(panel);
    if (isNarrow()) goneTo(panel);
  };
  showPlaces(page, show);
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
