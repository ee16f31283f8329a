// "¿Está Bien? (Sí/No)": shows in pictures what the server understood.

import { h, picture } from "./dom.js";

export function confirmCard({ store, session }) {
  const { catalog, mine } = store.state;
  const held = catalog.filter((artifact) => mine[artifact.id] > 0);
  const list =
    held.length > 0
      ? h(
          "ul",
          { class: "confirm-list", "aria-label": "Tus artefactos" },
          ...held.map((artifact) => item(artifact, mine[artifact.id])),
        )
      : h("p", { class: "hint" }, "Entras sin artefactos. Podrás sumar los que encuentres.");
  return [
    h(
      "h2",
      { tabindex: "-1" },
      held.length > 0
        ? "Estos son tus artefactos. ¿Está bien?"
        : "Todavía no tienes artefactos. ¿Está bien?",
    ),
    list,
    h(
      "div",
      { class: "buttons" },
      h(
        "button",
        { type: "button", class: "primary", onclick: () => session.confirm(true) },
        "Sí, entrar",
      ),
      h(
        "button",
        { type: "button", class: "quiet", onclick: () => session.confirm(false) },
        "No, cambiar la lista",
      ),
    ),
  ];
}

function item(artifact, copies) {
  return h(
    "li",
    {},
    picture(artifact),
    h("span", {}, artifact.name),
    copies > 1 && h("strong", {}, `×${copies}`),
  );
}
