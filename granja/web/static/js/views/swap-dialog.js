// Leaves a swap: one of these of mine for one of those that I lack, with anybody.

import { artifactChoice, closeButton, filterChoices } from "./choices.js";
import { h, icon, watch } from "./dom.js";
import { openDialog } from "./places.js";
import { either, isSought, sides } from "../model/swaps.js";
import { NOT_NOW } from "./unsent.js";

export class SwapDialog {
  #page;
  #waiting = false;

  constructor(page) {
    this.#page = page;
    this.mine = h("div", { class: "choices artifacts" });
    this.theirs = h("div", { class: "choices artifacts" });
    this.search = h("input", {
      type: "search",
      placeholder: "Buscar…",
      "aria-label": "Buscar un artefacto",
      oninput: () => this.#filter(),
    });
    this.summary = h("p", { class: "summary", role: "status" });
    this.error = h("p", { class: "error", role: "alert" });
    this.send = h("button", { type: "submit", class: "primary" }, icon("check"), "Dejar el cambio");
    this.form = this.#makeForm();
    this.dialog = h(
      "dialog",
      { class: "card offer-dialog swap-dialog", "aria-labelledby": "swap-title" },
      this.form,
    );
    document.body.append(this.dialog);
    watch(
      page.store,
      (state) => state.reply,
      (reply) => this.#replied(reply),
    );
  }

  /** @param choice what is already picked: {gives?, takes?}, lists of numbers. */
  open({ gives = [], takes = [] }) {
    const { state } = this.#page.store;
    const { catalog, mine } = state;
    const owned = catalog.filter((artifact) => mine[artifact.id] > 0);
    const missing = catalog.filter((artifact) => !mine[artifact.id]);
    const wanted = [...missing].sort((a, b) => isSought(state, b) - isSought(state, a));
    this.mine.replaceChildren(...owned.map((a) => box("gives", a, mine[a.id], gives)));
    this.theirs.replaceChildren(...wanted.map((a) => box("takes", a, 0, takes)));
    if (owned.length === 0)
      this.mine.append(h("p", { class: "empty" }, "Todavía no tienes artefactos para dar."));
    if (missing.length === 0)
      this.theirs.append(h("p", { class: "empty" }, "¡No te falta ninguno!"));
    this.search.value = this.error.textContent = "";
    this.#page.store.dispatch({ type: "opened" });
    this.#filter();
    this.#picked();
    openDialog(this.dialog);
  }

  #makeForm() {
    const group = (title, ...parts) => h("fieldset", {}, h("legend", {}, title), ...parts);
    const title = h("h2", { id: "swap-title" }, "Dejar un cambio");
    const spares = h(
      "button",
      { type: "button", class: "small", onclick: () => this.#pickSpares() },
      "Todos mis repetidos",
    );
    return h(
      "form",
      { onchange: () => this.#picked(), onsubmit: (event) => this.#submit(event) },
      h("div", { class: "dialog-head" }, title, closeButton(() => this.dialog)),
      h(
        "div",
        { class: "offer-steps" },
        h("p", { class: "hint" }, "Con quien sea, en cuanto alguien pueda. Das uno y recibes uno."),
        group("Das uno de estos", spares, this.mine),
        group("Por uno de estos", this.search, this.theirs),
      ),
      h("div", { class: "dialog-foot" }, this.summary, this.error, this.send),
    );
  }

  #pickSpares() {
    const { mine } = this.#page.store.state;
    for (const input of this.mine.querySelectorAll("input")) input.checked = mine[input.value] > 1;
    this.#picked();
  }

  #filter() {
    filterChoices(this.theirs, this.#page.store.state.catalog, this.search.value);
  }

  /** {gives, takes}: the picked artifacts, in the catalog's order. */
  #choice() {
    const data = new FormData(this.form);
    const picked = (kind) =>
      this.#page.store.state.catalog.filter(({ id }) => data.getAll(kind).includes(String(id)));
    return { gives: picked("gives"), takes: picked("takes") };
  }

  #picked() {
    const { gives, takes } = this.#choice();
    const isWhole = gives.length > 0 && takes.length > 0;
    this.summary.textContent = isWhole
      ? `Tu ${either(gives)} por ${either(takes)}.`
      : "Elige uno o varios de cada lado.";
    this.send.disabled = this.#waiting || !isWhole;
  }

  #submit(event) {
    event.preventDefault();
    const { gives, takes } = this.#choice();
    if (gives.length === 0 || takes.length === 0) return;
    const numbers = (list) => list.map(({ id }) => id);
    this.error.textContent = "";
    this.#waiting = this.#page.session.command("swaps.post", sides(numbers(gives), numbers(takes)));
    if (!this.#waiting) this.error.textContent = NOT_NOW;
    this.#picked();
  }

  #replied(reply) {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#picked();
    if (reply?.number) this.dialog.close();
    else
      this.error.textContent =
        reply?.error ?? "Se cortó la conexión; revisa tus cambios al volver.";
  }
}

function box(group, artifact, copies, chosen) {
  return artifactChoice("checkbox", group, artifact, copies, chosen.includes(artifact.id));
}
