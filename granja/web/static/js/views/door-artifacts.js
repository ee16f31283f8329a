// "Cuéntame, ¿qué artefactos tienes?": a shelf to tap, or a list of numbers to type.

import { addCopy, parseList, removeCopy, spellList, totalCopies } from "../model/counts.js";
import { h, icon, picture, plural, syncList } from "./dom.js";
import { sameName } from "../model/names.js";
import { recall } from "../session/memory.js";
import { place } from "../model/places.js";
import { fits } from "../model/search.js";

let picked = null; // the person's picks while they think, even across a lost connection

/** The person is inside.  The next list begins with what they hold from now on. */
export function forgetPicked() {
  picked = null;
}

export function artifactsCard({ store, session }) {
  const { catalog } = store.state;
  picked ??= lastHeld(session.name, catalog);
  const shelf = h("ul", { class: "shelf picking", tabindex: "-1", "aria-label": "Artefactos" });
  const search = h("input", {
    type: "search",
    placeholder: "Buscar…",
    "aria-label": "Buscar un artefacto",
    oninput: () => draw(),
  });
  const total = h("p", { class: "total", role: "status" });
  const typed = typedList(catalog, (counts) => change(counts));
  const go = h("button", { class: "primary" });
  const draw = () => {
    const shown = catalog
      .filter((artifact) => fits(artifact, search.value))
      .map((a) => place(a, picked[a.id] ?? 0));
    syncList(
      shelf,
      shown,
      (one) => one.artifact.id,
      (one) => pickable(one, change),
    );
    const copies = totalCopies(picked);
    total.textContent =
      copies > 0
        ? `Llevas ${plural(copies, "artefacto", "artefactos")}.`
        : "Todavía no elegiste ninguno.";
    go.textContent = copies > 0 ? "Continuar" : "No tengo ninguno";
  };
  const change = (counts) => {
    const focused = document.activeElement?.dataset?.pick;
    picked = counts;
    draw();
    if (focused) refocus(shelf, focused);
  };
  const submit = (event) => {
    event.preventDefault();
    session.answer("artifacts", picked);
  };
  draw();
  return [
    h(
      "form",
      { onsubmit: submit },
      h("h2", { tabindex: "-1" }, "¿Qué artefactos tienes?"),
      h("p", { class: "hint" }, "Toca uno para sumarlo; tócalo de nuevo si tienes más copias."),
      search,
      shelf,
      typed,
      h("div", { class: "bottom" }, total, go),
    ),
  ];
}

/** When a person comes back, what they held is already picked. */
function lastHeld(name, catalog) {
  const held = sameName(recall("name"), name) ? (recall("artifacts") ?? {}) : {};
  const numbers = new Set(catalog.map((artifact) => artifact.id));
  const fine = ([id, copies]) => numbers.has(Number(id)) && Number.isInteger(copies) && copies > 0;
  return Object.fromEntries(Object.entries(held).filter(fine));
}

function pickable({ artifact, copies }, change) {
  const has = copies > 0 ? `, llevas ${copies}` : "";
  const add = h(
    "button",
    {
      type: "button",
      class: copies > 0 ? "niche lit" : "niche",
      "data-pick": `+${artifact.id}`,
      "aria-label": `Sumar ${artifact.name}${has}`,
      onclick: () => change(addCopy(picked, artifact.id)),
    },
    picture(artifact),
    h("span", { class: "niche-name" }, artifact.name),
  );
  if (copies === 0) return h("li", {}, add);
  const less = h(
    "button",
    {
      type: "button",
      class: "round tiny less",
      "data-pick": `-${artifact.id}`,
      "aria-label": `Quitar una copia de ${artifact.name}`,
      onclick: () => change(removeCopy(picked, artifact.id)),
    },
    icon("minus"),
  );
  const badge = copies > 1 && h("span", { class: "copies", "aria-hidden": "true" }, `×${copies}`);
  return h("li", {}, add, less, badge);
}

/** A changed place has a new node.  The keyboard's focus stays where it was. */
function refocus(shelf, pick) {
  const same = shelf.querySelector(`[data-pick="${pick}"]`);
  (same ?? shelf.querySelector(`[data-pick="+${pick.slice(1)}"]`))?.focus();
}

function typedList(catalog, onList) {
  const wrong = h("p", { id: "typed-error", class: "error", role: "alert" });
  const input = h("input", {
    id: "typed",
    inputmode: "text",
    autocomplete: "off",
    placeholder: "6, 13, 14",
    "aria-describedby": "typed-error",
  });
  input.addEventListener("input", () => {
    const counts = parseList(input.value, catalog);
    wrong.textContent = counts
      ? ""
      : `Escribe números del catálogo separados por comas, por ejemplo: 6, 13, 14`;
    if (counts) onList(counts);
  });
  const fill = (event) => {
    if (event.target.open && totalCopies(picked) > 0) input.value = spellList(picked);
  };
  return h(
    "details",
    { ontoggle: fill },
    h("summary", {}, "Prefiero escribir los números"),
    h("label", { for: "typed", class: "hidden" }, "Números de tus artefactos"),
    input,
    wrong,
  );
}
