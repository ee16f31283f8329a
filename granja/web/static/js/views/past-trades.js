// The person's past trades, the newest first.

import { h, watch } from "./dom.js";
import { sayDay } from "../model/days.js";

export function pastTrades(page) {
  const title = h("summary", {});
  const list = h("ol", { class: "past-list" });
  const part = h("details", { class: "past-trades" }, title, list);
  watch(
    page.store,
    (state) => state.trades,
    (trades) => {
      part.hidden = trades.length === 0;
      title.textContent = `Intercambios hechos (${trades.length})`;
      list.replaceChildren(...trades.toReversed().map(line));
    },
  );
  return part;
}

function line({ who, gave, got, at }) {
  const day = sayDay(at, Date.now());
  return h("li", {}, `${day}: le diste ${gave.name} a ${who} y recibiste ${got.name}.`);
}
