// One artifact in large, and what the person can do with it.

import { h, icon, picture, plural } from "./dom.js";
import { openDialog } from "./places.js";
import { Who } from "./who.js";

export class ArtifactDialog {
  #page;
  #dialog;
  #who;

  constructor(page) {
    this.#page = page;
    this.#dialog = h("dialog", {
      class: "card small-dialog artifact-dialog",
      "aria-labelledby": "artifact-name",
    });
    document.body.append(this.#dialog);
    this.#who = new Who(page, () => this.#dialog.close());
  }

  open(artifact) {
    const copies = this.#page.store.state.mine[artifact.id] ?? 0;
    this.#dialog.replaceChildren(
      h("div", { class: copies > 0 ? "stand lit" : "stand" }, picture(artifact)),
      h("h2", { id: "artifact-name" }, artifact.name),
      h(
        "p",
        { class: "hint" },
        `N.º ${artifact.id} · `,
        copies > 0 ? `Tienes ${plural(copies, "copia", "copias")}` : "Todavía te falta",
      ),
      this.#who.node,
      h("div", { class: "buttons stacked" }, ...this.#actions(artifact, copies)),
    );
    this.#who.show(artifact);
    openDialog(this.#dialog);
  }

  #actions(artifact, copies) {
    const trade = (choice) => () => {
      this.#dialog.close();
      this.#page.offerDialog.open(choice);
    };
    const tell = (deed) => () => {
      this.#page.session.command(deed, artifact.id);
      this.#dialog.close();
    };
    const button = (label, symbol, kind, onclick) =>
      h("button", { type: "button", class: kind, onclick }, icon(symbol), label);
    return [
      copies > 0 &&
        button("Ofrecerlo en un intercambio", "trade", "primary", trade({ mine: artifact.id })),
      copies === 0 &&
        button("Pedirlo en un intercambio", "trade", "primary", trade({ theirs: artifact.id })),
      // If artifacts are declared only once, the server refuses every later find.
      !this.#page.commands.declareOnce && button(
        copies > 0 ? "Encontré otra copia" : "Lo encontré",
        "plus",
        "quiet",
        tell("collection.add"),
      ),
      copies > 0 &&
        button("Donar una copia al museo", "gift", "quiet", tell("collection.remove")),
      button("Cerrar", "cross", "quiet", () => this.#dialog.close()),
    ];
  }
}
