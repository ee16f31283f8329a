// The first and the last step of a collection: what it is about, and that it is whole.

import { byId, h, icon, watch } from "./dom.js";
import { openDialog } from "./places.js";
import { progress } from "../model/swaps.js";

export function showMilestones(page) {
  byId("collection-body").prepend(beginning(page));
  celebrate(page);
}

/** For a person without artifacts: where they come from, what a trade is, and what is kept. */
function beginning({ store, commands }) {
  const found = commands.declareOnce
    ? "Al entrar dices qué artefactos encontraste; después solo se consiguen por intercambio."
    : "¿Encontraste uno por ahí? Tócalo en el estante y di «Lo encontré».";
  const parts = [
    ["De dónde salen", found],
    [
      "Qué es un intercambio",
      "Das uno de los tuyos y recibes uno que te falta, con el acuerdo de ambas partes.",
    ],
    ["Es definitivo", "Lo que se intercambió no se deshace: míralo bien antes de aceptar."],
    [
      "Qué guarda registrarte",
      "Sin registrar tu nombre, tus artefactos se van contigo al salir. Con tu nombre registrado se quedan aquí, y tus ofertas y cambios también.",
    ],
  ];
  const list = parts.flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]);
  const card = h(
    "section",
    { class: "beginning", "aria-label": "Cómo empezar" },
    h("h3", {}, "Todavía no tienes artefactos"),
    h("dl", {}, ...list),
  );
  watch(
    store,
    (state) => state.phase === "inside" && Object.keys(state.mine).length === 0,
    (isEmpty) => {
      card.hidden = !isEmpty;
    },
  );
  return card;
}

/** The last place is full.  The page says so once, when it happens, and not on an arrival. */
function celebrate({ store }) {
  const title = h("h2", { id: "whole-title" });
  const close = h("button", { type: "button", class: "primary" }, icon("check"), "¡Viva!");
  const dialog = h(
    "dialog",
    { class: "card small-dialog whole", "aria-labelledby": "whole-title" },
    h("div", { class: "confetti", "aria-hidden": "true" }, ...confetti()),
    title,
    h("p", {}, "Completaste tu colección. Lo que tengas repetido le sirve a alguien más."),
    h("div", { class: "buttons" }, close),
  );
  close.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  store.subscribe((state, before) => {
    if (state.phase !== "inside" || before.phase !== "inside" || state.mine === before.mine) return;
    const now = progress(state);
    if (!now.isWhole || progress(before).isWhole || dialog.open) return;
    title.textContent = `¡${now.lit} de ${now.of}!`;
    openDialog(dialog);
  });
}

const confetti = () =>
  Array.from({ length: 24 }, (_, n) => {
    const piece = h("i");
    piece.style.setProperty("--at", n);
    return piece;
  });
