// Proposes a trade: pick whom, mine and theirs.  The sentence below says what is picked.

import { artifactChoice, choice, closeButton, filterChoices } from "./choices.js";
import { h, icon, watch } from "./dom.js";
import { openDialog } from "./places.js";
import { sameName } from "../model/names.js";
import { NOT_NOW } from "./unsent.js";

const LIST = new Intl.ListFormat("es");

export class OfferDialog {
  #page;
  #waiting = false;
  #instead = null; // the offer that this offer answers
  title = h("h2", { id: "offer-title" });

  constructor(page) {
    this.#page = page;
    this.people = h("div", { class: "choices people-choices" });
    this.other = h("input", {
      id: "offer-other",
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.#picked(),
    });
    this.mine = h("div", { class: "choices" });
    this.theirs = h("div", { class: "choices" });
    this.search = h("input", {
      type: "search",
      placeholder: "Buscar…",
      "aria-label": "Buscar el artefacto que pides",
      oninput: () => this.#filter(),
    });
    this.summary = h("p", { class: "summary", role: "status" });
    this.error = h("p", { class: "error", role: "alert" });
    this.send = h("button", { class: "primary" }, icon("trade"), "Enviar oferta");
    this.form = this.#makeForm();
    this.dialog = h(
      "dialog",
      { class: "card offer-dialog", "aria-labelledby": "offer-title" },
      this.form,
    );
    document.body.append(this.dialog);
    watch(
      page.store,
      (state) => state.reply,
      (reply) => this.#replied(reply),
    );
  }

  /**
   * @param choice what is already picked: {whom?, mine?, theirs?}; {instead} is the number of an
   *   offer that the page rejects once this offer is made.
   */
  open(choice) {
    const { people, me, mine, catalog } = this.#page.store.state;
    const others = people.filter((name) => !sameName(name, me));
    const owned = catalog.filter((artifact) => mine[artifact.id] > 0);
    const pick = (kind) => (value) => sameName(String(choice[kind] ?? ""), String(value));
    this.people.replaceChildren(...others.map((name) => personChoice(name, pick("whom")(name))));
    this.mine.replaceChildren(
      ...owned.map((a) => artifactChoice("radio", "mine", a, mine[a.id], pick("mine")(a.id))),
    );
    this.theirs.replaceChildren(
      ...catalog.map((a) => artifactChoice("radio", "theirs", a, 0, pick("theirs")(a.id))),
    );
    if (owned.length === 0)
      this.mine.append(h("p", { class: "empty" }, "Todavía no tienes artefactos para dar."));
    if (others.length === 0)
      this.people.append(h("p", { class: "empty" }, "No hay nadie más conectado ahora."));
    this.search.value = this.error.textContent = "";
    const isHere = choice.whom && others.some((name) => sameName(name, choice.whom));
    this.other.value = choice.whom && !isHere ? choice.whom : "";
    this.#instead = choice.instead ?? null;
    this.title.textContent = choice.instead ? "Proponer otra cosa" : "Proponer un intercambio";
    this.#page.store.dispatch({ type: "opened" });
    this.#filter();
    this.#picked();
    openDialog(this.dialog);
    this.form.querySelector("fieldset:not(:has(:checked)) input")?.focus();
    this.theirs.querySelector(":checked")?.closest("label").scrollIntoView({ block: "nearest" });
  }

  #makeForm() {
    const group = (title, ...parts) => h("fieldset", {}, h("legend", {}, title), ...parts);
    const other = h(
      "p",
      { class: "other" },
      h("label", { for: "offer-other" }, "O escribe su nombre, aunque no esté conectado:"),
      this.other,
    );
    return h(
      "form",
      { onchange: (event) => this.#changed(event), onsubmit: (event) => this.#submit(event) },
      h("div", { class: "dialog-head" }, this.title, closeButton(() => this.dialog)),
      h(
        "div",
        { class: "offer-steps" },
        group("¿Con quién?", this.people, other),
        group("¿Qué das?", this.mine),
        group("¿Qué pides?", this.search, this.theirs),
      ),
      h("div", { class: "dialog-foot" }, this.summary, this.error, this.send),
    );
  }

  #filter() {
    filterChoices(this.theirs, this.#page.store.state.catalog, this.search.value);
  }

  #changed(event) {
    if (event.target.name === "whom") this.other.value = "";
    this.#picked();
  }

  /** What is picked: {whom, mine, theirs}; each is null until it is picked. */
  #choice() {
    const data = new FormData(this.form);
    const typed = this.other.value.trim();
    return { whom: typed || data.get("whom"), mine: data.get("mine"), theirs: data.get("theirs") };
  }

  #picked() {
    if (this.other.value.trim()) {
      for (const radio of this.people.querySelectorAll(":checked")) radio.checked = false;
    }
    const { whom, mine, theirs } = this.#choice();
    const missing = [!whom && "con quién", !mine && "qué das", !theirs && "qué pides"].filter(
      Boolean,
    );
    const name = (id) => this.#page.store.state.catalog.find((a) => String(a.id) === id).name;
    this.summary.textContent =
      missing.length > 0
        ? `Falta elegir ${LIST.format(missing)}.`
        : `Le das tu ${name(mine)} a ${whom} por su ${name(theirs)}.`;
    this.send.disabled = this.#waiting || missing.length > 0;
  }

  #submit(event) {
    event.preventDefault();
    const { whom, mine, theirs } = this.#choice();
    if (!whom || !mine || !theirs) return;
    this.error.textContent = "";
    this.#waiting = this.#page.session.command("trade.offer", whom, mine, theirs);
    if (!this.#waiting) this.error.textContent = NOT_NOW;
    this.#picked();
  }

  #sent() {
    this.dialog.close();
    if (this.#instead !== null) this.#page.session.command("trade.reject", this.#instead);
  }

  #replied(reply) {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#picked();
    if (reply?.number) this.#sent();
    else
      this.error.textContent =
        reply?.error ?? "Se cortó la conexión; revisa tus ofertas al volver.";
  }
}

function personChoice(name, checked) {
  const shown = h("span", { class: "person-name", title: name }, name);
  return choice("radio", "whom", name, checked, shown);
}
