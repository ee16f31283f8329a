// A button that sends a command says beside it where there is no connection to send it by.

import { h, watch } from "./dom.js";

/** What is said where nothing can be sent now. */
export const NOT_NOW = "Ahora no hay conexión con la granja.";

/**
 * Say beside a pressed button whether its command could not be sent.
 *
 * @param button the one that was pressed, in a row of buttons.
 * @param sent whether its command was sent.
 * @returns {boolean} the same.
 */
export function tellUnsent(button, sent) {
  const row = button.closest(".buttons");
  row.querySelector(".error")?.remove();
  if (!sent) row.append(h("p", { class: "error", role: "alert" }, NOT_NOW));
  return sent;
}

/** Take away what buttons in {place} have said, as soon as the person is inside again. */
export function forgetUnsent(store, place) {
  watch(
    store,
    (state) => state.phase,
    (phase) => {
      if (phase !== "inside") return;
      for (const said of place.querySelectorAll(".buttons > .error")) said.remove();
    },
  );
}
