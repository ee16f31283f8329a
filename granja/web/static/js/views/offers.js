// The open offers: incoming ones with three buttons, outgoing ones with one; and past trades.

import { byId, h, icon, picture, syncList, watch } from "./dom.js";
import { pastTrades } from "./past-trades.js";
import { sayWhen } from "../model/days.js";
import { forgetUnsent, tellUnsent } from "./unsent.js";

export function showOffers(page) {
  const list = h("ul", { class: "offer-list", tabindex: "-1", "aria-labelledby": "offers-title" });
  const empty = h(
    "p",
    { class: "empty" },
    "No hay ofertas pendientes. Propón un intercambio y aparecerá aquí.",
  );
  const propose = h(
    "button",
    {
      type: "button",
      class: "small propose",
      "aria-label": "Proponer un intercambio",
      onclick: () => page.offerDialog.open({}),
    },
    icon("trade"),
    "Proponer",
  );
  byId("offers").querySelector(".panel-head").append(propose);
  byId("offers-body").append(list, empty, pastTrades(page));
  forgetUnsent(page.store, byId("offers-body"));
  const places = new Places();
  let timer = null;
  const draw = () => {
    syncList(
      list,
      places.taken,
      (place) => place.offer.number,
      (place, before) => asHigh(card(page, place), place.gone ? before : undefined),
    );
    empty.hidden = places.taken.length > 0;
  };
  watch(
    page.store,
    (state) => state.offers,
    (offers) => {
      byId("offers-count").textContent = offers.length || "";
      if (places.take(offers)) {
        clearTimeout(timer);
        timer = setTimeout(() => {
          places.sweep();
          draw();
        }, STILL);
      }
      draw();
    },
  );
}

/** An empty place is as high as the offer's card was, so that nothing below it moves. */
function asHigh(node, before) {
  if (before !== undefined) node.style.minHeight = `${before.getBoundingClientRect().height}px`;
  return node;
}

/** Nothing moves for this many milliseconds after an offer has gone: a finger may be coming. */
const STILL = 1200;

/** The place of each offer.  New offers come below.  An offer that goes leaves an empty place. */
class Places {
  taken = []; // {offer, gone}; another object means that it must be drawn again

  /** @returns whether an offer has gone. */
  take(offers) {
    const byNumber = new Map(offers.map((offer) => [offer.number, offer]));
    const before = this.taken;
    const known = new Set(before.map((place) => place.offer.number));
    const kept = before.map((place) => placeOf(place, byNumber.get(place.offer.number)));
    const fresh = offers.filter((offer) => !known.has(offer.number));
    // If there was nothing to press before, the offers that wait for an answer come first.
    const ordered = before.length > 0 ? fresh : incomingFirst(fresh);
    this.taken = [...kept, ...ordered.map((offer) => ({ offer, gone: false }))];
    return kept.some((place, at) => place.gone && !before[at].gone);
  }

  /** Close up the empty places. */
  sweep() {
    this.taken = this.taken.filter((place) => !place.gone);
  }
}

function placeOf(place, offer) {
  if (offer === undefined) return place.gone ? place : { offer: place.offer, gone: true };
  return place.offer === offer && !place.gone ? place : { offer, gone: false };
}

const incomingFirst = (offers) =>
  [...offers].sort((a, b) => (a.way === b.way ? a.number - b.number : a.way === "in" ? -1 : 1));

function card(page, { offer, gone }) {
  const isIncoming = offer.way === "in";
  const title = isIncoming ? `${offer.who} te ofrece` : `Le ofreces a ${offer.who}`;
  const heading = h("h3", {}, title, h("span", { class: "number" }, `#${offer.number}`));
  const theirs = isIncoming ? offer.gives : offer.takes;
  const mine = isIncoming ? offer.takes : offer.gives;
  const first = isIncoming ? side("Recibes", theirs) : side("Das", mine);
  const second = isIncoming ? side("Das", mine) : side("Recibes", theirs);
  const sides = h("div", { class: "sides" }, first, icon("trade"), second);
  const ends = !gone && h("p", { class: "ends" }, endOf(page, offer));
  const ended = gone && h("p", { class: "ended" }, "Esta oferta terminó.");
  const buttons = h("div", { class: "buttons" }, ended, ...(gone ? [] : actions(page, offer)));
  return h(
    "li",
    { class: `offer-card ${offer.way}${gone ? " gone" : ""}`, id: `offer-${offer.number}` },
    heading,
    sides,
    ends,
    buttons,
  );
}

/** Somebody may have made a listed offer long before. */
function endOf({ commands }, { since }) {
  const when = sayWhen(since.at + commands.offerLifetime, Date.now());
  return since.isExact ? `Vence ${when}.` : `Vence a más tardar ${when}.`;
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
    const press = (event) => {
      if (tellUnsent(event.currentTarget, page.session.command(deed, offer.number))) {
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
    counter(page, offer, about),
  ];
}

/** A button for another offer for the same artifact.  Once it is made, this one is rejected. */
function counter(page, { who, gives, number }, about) {
  const open = () => page.offerDialog.open({ whom: who, theirs: gives.id, instead: number });
  const attributes = { type: "button", class: "quiet", "aria-label": `Proponer otra cosa por ${about}` };
  return h("button", { ...attributes, onclick: open }, icon("trade"), "Proponer otra cosa");
}
