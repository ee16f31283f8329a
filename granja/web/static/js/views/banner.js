// The sentence about the connection, and the button to try again.

import { byId, watch } from "./dom.js";

export function showBanner({ store, session }) {
  const banner = byId("banner");
  const retry = byId("banner-retry");
  retry.addEventListener("click", () => session.retryNow());
  watch(
    store,
    (state) => state.notice,
    (notice) => {
      byId("banner-text").textContent = notice ?? "";
      banner.hidden = notice === null;
    },
  );
  watch(
    store,
    (state) => state.link,
    (link) => {
      retry.hidden = link === "connecting" || link === "open" || store.state.phase === "door";
      retry.textContent = link === "idle" ? "Entrar aquí" : "Reintentar ya";
      document.body.dataset.link = link;
    },
  );
}
