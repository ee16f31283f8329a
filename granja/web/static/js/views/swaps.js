// "Trueques para ti": what one press can get, the person's own swaps, and the rings that closed.

import { avatar, byId, h, icon, picture, plural, watch } from "./dom.js";
import { chances, either, sides, standing } from "../model/swaps.js";
import { tellUnsent } from "./unsent.js";

const HOW = {
  now: "Se cierra ya",
  pair: "Alguien lo da y busca el tuyo",
  three: "Entre tres",
};

export function showSwaps(page) {
  const rings = h("div", { class: "rings", role: "status" });
  const rows = h("ul", { class: "offer-list", "aria-label": "Trueques para ti" });
  const hint = h("p", { class: "empty" });
  const own = h("ul", { class: "offer-list", "aria-label": "Tus cambios puestos" });
  const look = button("Buscar trueques", "shelf", "small", (event) =>
    tellUnsent(event.currentTarget, askForChances(page)),
  );
  const post = button("Dejar un cambio", "trade", "small", () => page.swapDialog.open({}));
  const section = h(
    "section",
    { class: "swaps", "aria-labelledby": "swaps-title" },
    h("h3", { id: "swaps-title" }, "Trueques para ti"),
    h("div", { class: "buttons" }, look, post),
    rings,
    rows,
    hint,
    own,
  );
  byId("offers-body").append(section);
  const draw = () => {
    const { state } = page.store;
    const found = chances(state);
    rings.replaceChildren(...state.swaps.rings.map((ring) => ringPicture(ring, state.me)));
    rows.hidden = found.length === 0;
    rows.replaceChildren(...found.map((chance) => chanceCard(page, chance)));
    own.hidden = standing(state).length === 0;
    own.replaceChildren(...standing(state).map((swap) => swapCard(page, swap)));
    hint.textContent = hintFor(state.swaps, found.length);
  };
  watch(page.store, (state) => state.swaps, draw);
  watch(page.store, (state) => state.mine, draw);
}

function hintFor({ chances: known, more, asked }, count) {
  if (known === null) return "Mira qué puedes conseguir por lo que te sobra, y con quiénes.";
  if (more > 0 && count > 0) return `Y ${plural(more, "trueque", "trueques")} más.`;
  if (count > 0 || asked.includes("chances")) return "";
  return "No hay trueques para ti por ahora. Deja un cambio puesto: se cierra solo cuando alguien pueda.";
}

/**
 * Ask what the person can get, and then what they seek: that answer comes after all the rows.
 *
 * @returns whether it was asked.
 */
export function askForChances({ session, store }) {
  store.dispatch({ type: "asking-swaps", about: ["chances", "seeks"] });
  const sent = session.command("swaps.show_chances") && session.command("wishes.seek");
  if (!sent) store.dispatch({ type: "forgot-swaps" });
  return sent;
}

function button(label, symbol, kind, onclick, properties = {}) {
  return h("button", { type: "button", class: kind, onclick, ...properties }, icon(symbol), label);
}

function side(label, artifacts) {
  const [first] = artifacts;
  const names = h("span", {}, either(artifacts));
  return h("div", { class: "side" }, h("span", { class: "label" }, label), picture(first), names);
}

function chanceCard(page, { how, gives, takes }) {
  const press = (event) => {
    const sent = page.session.command("swaps.post", sides([gives.id], [takes.id]));
    event.currentTarget.disabled = tellUnsent(event.currentTarget, sent);
  };
  const label = how === "now" ? "Hacer el trueque" : "Dejar este cambio";
  const about = `${label}: tu ${gives.name} por ${takes.name}`;
  return h(
    "li",
    { class: `offer-card chance ${how === "now" ? "in" : "out"}` },
    h("h4", {}, HOW[how]),
    h("div", { class: "sides" }, side("Das", [gives]), icon("trade"), side("Recibes", [takes])),
    h("div", { class: "buttons" }, button(label, "check", "primary", press, { "aria-label": about })),
  );
}

function swapCard(page, { number, gives, takes }) {
  const press = (event) =>
    tellUnsent(event.currentTarget, page.session.command("trade.retract", number));
  const about = { "aria-label": `Retirar el cambio ${number}` };
  return h(
    "li",
    { class: "offer-card out", id: `swap-${number}` },
    h("h4", {}, "Tu cambio, con quien sea", h("span", { class: "number" }, `#${number}`)),
    h("div", { class: "sides" }, side("Das", gives), icon("trade"), side("Recibes", takes)),
    h("div", { class: "buttons" }, button("Retirar", "cross", "quiet", press, about)),
  );
}

/** A picture of a ring, with me in the middle: who gave what to whom. */
export function ringPicture({ number, gave, to, got, from }, me) {
  const person = (name, title) =>
    h("span", { class: "ring-person" }, avatar(name), h("span", { title: name }, title));
  const gift = (artifact) =>
    h("span", { class: "ring-gift" }, icon("trade"), picture(artifact), h("span", {}, artifact.name));
  const isPair = from === to;
  const told = `Recibiste ${got.name} de ${from} y diste ${gave.name} a ${to}.`;
  return h(
    "figure",
    { class: "ring", "data-number": number },
    h(
      "div",
      { class: "ring-way", "aria-hidden": "true" },
      person(from, from),
      gift(got),
      person(me, "tú"),
      gift(gave),
      person(to, to),
    ),
    h("figcaption", {}, isPair ? `¡Trueque hecho! ${told}` : `¡Se cerró un círculo! ${told}`),
  );
}
