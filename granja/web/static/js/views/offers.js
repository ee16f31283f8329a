// The offers that wait: incoming with two buttons, outgoing with one.

import { byId, h, icon, picture, syncList, watch } from "./dom.js";

export function showOffers(page) {
  const list = h("ul", { class: "offer-list", tabindex: "-1", "aria-labelledby": "offers-title" });
  const empty = h(
    "p",
    { class: "empty" },
    "No hay ofertas pendientes. Propón un intercambio y aparecerá aquí.",
  );
  const propose = h(
    "button",
    { type: "button", class: "primary wide", onclick: () => page.offerDialog.open({}) },
    icon("trade"),
    "Proponer un intercambio",
  );
  byId("offers-body").append(propose, list, empty);
  watch(
    page.store,
    (state) => state.offers,
    (offers) => {
      byId("offers-count").textContent = offers.length || "";
      empty.hidden = offers.length > 0;
      syncList(
        list,
        incomingFirst(offers),
        (offer) => offer.number,
        (offer) => card(page, offer),
      );
    },
  );
}

const incomingFirst = (offers) =>
  [...offers].sort((a, b) => (a.way === b.way ? a.number - b.number : a.way === "in" ? -1 : 1));

function card(page, offer) {
  const isIncoming = offer.way === "in";
  const title = isIncoming ? `${offer.who} te ofrece` : `Le ofreces a ${offer.who}`;
  const heading = h("h3", {}, title, h("span", { class: "number" }, `#${offer.number}`));
  const theirs = isIncoming ? offer.gives : offer.takes;
  const mine = isIncoming ? offer.takes : offer.gives;
  const first = isIncoming ? side("Recibes", theirs) : side("Das", mine);
  const second = isIncoming ? side("Das", mine) : side("Recibes", theirs);
  const sides = h("div", { class: "sides" }, first, icon("trade"), second);
  const buttons = h("div", { class: "buttons" }, ...actions(page, offer));
  return h(
    "li",
    { class: `offer-card ${offer.way}`, id: `offer-${offer.number}` },
    heading,
    sides,
    buttons,
  );
}

function side(label, artifact) {
  return h(
    "div",
    { class: "side" },
    h("span", { class: "label" }, label),
    picture(artifact),
    h("span", {}, artifact.name),
  );
}

function actions(page, offer) {
  const about =
    offer.way === "in"
      ? `la oferta ${offer.number} de ${offer.who}`
      : `la oferta ${offer.number} a ${offer.who}`;
  const button = (label, symbol, deed, kind) => {
    const press = () => {
      if (page.session.command(deed, offer.number)) {
        page.store.dispatch({ type: "pressed", number: offer.number });
      }
    };
    const attributes = {
      type: "button",
      class: kind,
      disabled: offer.busy,
      "aria-label": `${label} ${about}`,
    };
    return h("button", { ...attributes, onclick: press }, icon(symbol), label);
  };
  if (offer.way === "out") return [button("Retirar", "cross", "trade.retract", "quiet")];
  return [
    button("Aceptar", "check", "trade.accept", "primary"),
    button("Rechazar", "cross", "trade.reject", "quiet"),
  ];
}
