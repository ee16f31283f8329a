// One person, and what the user of the page can do with them.

import { copyButton } from "./copying.js";
import { avatar, h, icon } from "./dom.js";
import { addressFor, openDialog } from "./places.js";
import { sameName } from "../model/names.js";
import { settings } from "../session/settings.js";

export class PersonDialog {
  #page;
  #dialog;

  constructor(page) {
    this.#page = page;
    this.#dialog = h("dialog", {
      class: "card small-dialog artifact-dialog person-dialog",
      "aria-labelledby": "person-name",
    });
    document.body.append(this.#dialog);
  }

  open(name) {
    const isMe = sameName(name, this.#page.store.state.me);
    this.#dialog.replaceChildren(
      h("div", { class: "portrait" }, avatar(name)),
      h("h2", { id: "person-name" }, name),
      h("div", { class: "buttons stacked" }, ...(isMe ? [] : this.#actions(name))),
      ...copyButton(
        isMe ? "Copiar un enlace para cambiar conmigo" : `Copiar un enlace para cambiar con ${name}`,
        () => addressFor({ whom: name }),
      ),
      this.#button("Cerrar", "cross", "quiet", () => {}),
    );
    openDialog(this.#dialog);
  }

  /** A button that closes the card and does something. */
  #button(label, symbol, kind, work) {
    const press = () => {
      this.#dialog.close();
      work();
    };
    return h("button", { type: "button", class: kind, onclick: press }, icon(symbol), label);
  }

  #actions(name) {
    const { composer, offerDialog, session, store } = this.#page;
    const isIgnored = store.state.ignored.some((known) => sameName(known, name));
    const isMuted = settings.isMuted(name);
    const tell = (deed) => () => session.command(deed, name);
    const mute = () => settings.mute(name, !isMuted);
    return [
      this.#button("Susurrar", "whisper", "primary", () => composer.whisperTo(name)),
      this.#button("Proponer un intercambio", "trade", "quiet", () => offerDialog.open({ whom: name })),
      isMuted
        ? this.#button("Avisarme otra vez", "sun", "quiet", mute)
        : this.#button("No avisarme", "moon", "quiet", mute),
      isIgnored
        ? this.#button("Volver a escuchar", "hear", "quiet", tell("ignoring.hear_again"))
        : this.#button("No escuchar más", "deaf", "quiet", tell("ignoring.ignore")),
    ];
  }
}
