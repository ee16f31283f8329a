// "Salir": asks first when the person would lose something.

import { h, icon, plural } from "./dom.js";
import { list } from "../model/moves.js";
import { openDialog } from "./places.js";

/**
 * What the person loses by leaving now, as parts of a sentence.  What they hold is not among it:
 * the page remembers it, and shows it as picked the next time.
 */
export function losses({ registered, offers, phase }, hasDraft) {
  if (phase !== "inside") return [];
  const waiting = registered ? 0 : offers.length;
  return [
    waiting > 0 && plural(waiting, "oferta que espera", "ofertas que esperan"),
    hasDraft && "lo que estabas escribiendo",
  ].filter(Boolean);
}

export function leaveButton(page) {
  const { session, store } = page;
  const leave = () => session.command("talk.leave") || session.becomeStranger();
  const text = h("p", { id: "leave-text" });
  const button = (label, kind, work) => {
    const press = () => {
      dialog.close();
      work();
    };
    return h("button", { type: "button", class: kind, onclick: press }, label);
  };
  const register = button("Registrar mi nombre", "quiet", () => page.openAccount());
  const dialog = h(
    "dialog",
    {
      class: "card small-dialog artifact-dialog",
      "aria-labelledby": "leave-title",
      "aria-describedby": "leave-text",
    },
    h("h2", { id: "leave-title" }, "¿Te vas?"),
    text,
    h(
      "div",
      { class: "buttons stacked" },
      button("Quedarme", "primary", () => {}),
      register,
      button("Salir igual", "quiet", leave),
    ),
  );
  document.body.append(dialog);
  const ask = () => {
    const lost = losses(store.state, page.composer.hasDraft);
    if (lost.length === 0) return leave();
    const more = store.state.registered
      ? ""
      : " Si registras tu nombre, tu colección y tus ofertas te esperan.";
    text.textContent = `Si sales ahora se pierde: ${list(lost)}.${more}`;
    register.hidden = store.state.registered;
    openDialog(dialog);
  };
  const attributes = { type: "button", class: "top-button", "aria-label": "Salir de la granja" };
  return h("button", { ...attributes, onclick: ask }, icon("leave"), h("span", {}, "Salir"));
}
