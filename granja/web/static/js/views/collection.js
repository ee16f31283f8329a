// The shelf: every place of the catalog, with the person's own artifacts lit and counted.

import { byId, h, picture, plural, syncList, watch } from "./dom.js";
import { place } from "../model/places.js";
import { fits } from "../model/search.js";
import { isSought } from "../model/swaps.js";
import { ArtifactDialog } from "./artifact-dialog.js";

const FILTERS = [
  { key: "all", label: "Todo", keeps: () => true },
  { key: "mine", label: "Tengo", keeps: (copies) => copies > 0 },
  { key: "missing", label: "Me falta", keeps: (copies) => copies === 0 },
  { key: "spares", label: "Repetidos", keeps: (copies) => copies > 1 },
  { key: "sought", label: "Busco", keeps: (copies, isSought) => isSought },
];

export function showCollection(page) {
  const dialog = new ArtifactDialog(page);
  const progress = h("progress", {
    max: page.store.state.catalog.length,
    value: 0,
    "aria-label": "Lugares de la colección completos",
  });
  const sum = h("p", { class: "sum" });
  const search = h("input", {
    type: "search",
    placeholder: "Buscar…",
    "aria-label": "Buscar en la colección",
    oninput: () => draw(),
  });
  const shelf = h("ul", {
    class: "shelf",
    tabindex: "-1",
    "aria-labelledby": "collection-title",
  });
  const nothing = h("p", { class: "empty", hidden: true }, "Nada por aquí.");
  let filter = FILTERS[0];
  const choose = (chosen) => {
    filter = chosen;
    for (const button of buttons.children) {
      button.setAttribute("aria-pressed", String(button.dataset.key === filter.key));
    }
    draw();
  };
  const buttons = h(
    "div",
    { class: "filters", role: "group", "aria-label": "Qué mostrar" },
    ...FILTERS.map((each) =>
      h(
        "button",
        { type: "button", "data-key": each.key, onclick: () => choose(each) },
        each.label,
      ),
    ),
  );
  const draw = () => {
    const { state } = page.store;
    const { catalog, mine } = state;
    const places = catalog.map((artifact) =>
      place(artifact, mine[artifact.id] ?? 0, isSought(state, artifact)),
    );
    const shown = places.filter(
      (one) => filter.keeps(one.copies, one.isSought) && fits(one.artifact, search.value),
    );
    syncList(
      shelf,
      shown,
      (one) => one.artifact.id,
      (one) => niche(one, () => dialog.open(one.artifact)),
    );
    nothing.hidden = shown.length > 0;
    const lit = places.filter((one) => one.copies > 0).length;
    progress.value = lit;
    progress.setAttribute("aria-valuetext", `${lit} de ${catalog.length}`);
    sum.textContent = `${lit} de ${catalog.length}`;
  };
  byId("collection-body").append(
    h("div", { class: "progress" }, progress, sum),
    h("div", { class: "tools" }, buttons, search),
    shelf,
    nothing,
  );
  watch(
    page.store,
    (state) => state.mine,
    () => choose(filter),
  );
  watch(page.store, (state) => state.swaps.seeks, draw);
}

/** One place of a shelf, as a button. */
export function niche({ artifact, copies, isSought: sought = false }, press) {
  const has = copies > 0 ? `tienes ${plural(copies, "copia", "copias")}` : "te falta";
  const seeking = sought ? ", lo buscas" : "";
  const attributes = {
    type: "button",
    class: copies > 0 ? "niche lit" : sought ? "niche sought" : "niche",
    "aria-label": `${artifact.name}, ${has}${seeking}`,
    "data-copies": copies > 1 ? `×${copies}` : null,
  };
  const name = h("span", { class: "niche-name" }, artifact.name);
  return h("li", {}, h("button", { ...attributes, onclick: press }, picture(artifact), name));
}
