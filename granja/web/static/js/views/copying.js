// A button that copies an address to hand on.

import { h, icon } from "./dom.js";

/**
 * @param address gives what to copy, when the button is pressed.
 * @returns the button and the sentence that says that it was done, for one parent.
 */
export function copyButton(label, address) {
  const said = h("p", { class: "hint copied", role: "status" });
  const press = async () => {
    try {
      await navigator.clipboard.writeText(address());
      said.textContent = "Copiado. Pégalo donde quieras.";
    } catch {
      // The page came over plain HTTP, or the browser does not allow it: then by hand.
      said.textContent = `Copia este enlace: ${address()}`;
    }
  };
  const button = h("button", { type: "button", class: "quiet", onclick: press }, icon("link"), label);
  return [button, said];
}
