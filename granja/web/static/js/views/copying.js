// A button that copies an address for others.

import { h, icon } from "./dom.js";

/**
 * @param address returns what to copy, when the person presses the button.
 * @returns the button, and the sentence that says that it worked, for one parent.
 */
export function copyButton(label, address) {
  const said = h("p", { class: "hint copied", role: "status" });
  const press = async () => {
    try {
      await navigator.clipboard.writeText(address());
      said.textContent = "Copiado. Pégalo donde quieras.";
    } catch {
      // The page came over plain HTTP, or the browser forbids it: the person copies by hand.
      said.textContent = `Copia este enlace: ${address()}`;
    }
  };
  const button = h("button", { type: "button", class: "quiet", onclick: press }, icon("link"), label);
  return [button, said];
}
