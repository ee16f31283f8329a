// The menu of suggestions above the field: a list that the field points to.  (ARIA lets no field
// with several lines be a combobox.)
//
// A person who never looks at the menu is not disturbed.  Enter sends, unless the arrows chose a
// suggestion.  Tab takes the first suggestion, and Escape closes the menu.

import { h } from "./dom.js";
import { suggest } from "../model/completion.js";

export class Completion {
  #page;
  #field;
  #found = [];
  #at = -1; // which suggestion is chosen; -1 for none

  /** @param field where the person types; it gets the {@link attributes}. */
  constructor(page, field) {
    this.#page = page;
    this.#field = field;
    this.menu = h("ul", { id: "completions", class: "completions", role: "listbox", hidden: true });
    this.menu.setAttribute("aria-label", "Lo que puede seguir");
    // A menu may be longer than its room, and then it must be one that can be reached.  Who reaches it
    // is in the field again, with a suggestion chosen: from there the arrows move.
    this.menu.tabIndex = 0;
    this.menu.addEventListener("focus", () => this.#reached());
    // The field keeps the cursor while one presses here, so that the menu stays.
    this.menu.addEventListener("pointerdown", (event) => event.preventDefault());
    for (const [name, value] of Object.entries(ATTRIBUTES)) field.setAttribute(name, value);
    field.addEventListener("input", () => this.#look(false));
    field.addEventListener("blur", ({ relatedTarget }) => relatedTarget === this.menu || this.close());
  }

  get isOpen() {
    return this.#found.length > 0;
  }

  close() {
    this.#show([]);
  }

  /** @returns whether the menu took the key. */
  key(event) {
    if (event.key === "Tab" && event.shiftKey) this.close(); // the way back does not lead through it
    if (event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return false;
    if (event.key === "Tab") return this.#tab();
    if (!this.isOpen) return false;
    if (event.key === "Escape") this.close();
    else if (event.key === "ArrowDown") this.#choose(this.#at + 1);
    else if (event.key === "ArrowUp") this.#choose(this.#at - 1);
    else if (event.key === "Enter" && this.#at >= 0) this.#take(this.#at);
    else return false;
    return true;
  }

  /** Complete.  If there is nothing to complete, Tab moves to the next field as usual. */
  #tab() {
    if (!this.isOpen) this.#look(true);
    if (!this.isOpen) return false;
    const isPlain = !this.#field.value.trimStart().startsWith(":");
    if (isPlain && this.#found.length > 1 && this.#at < 0) this.#choose(0);
    else this.#take(Math.max(this.#at, 0));
    return true;
  }

  #reached() {
    this.#field.focus();
    this.#choose(Math.max(this.#at, 0));
  }

  #look(isAsked) {
    const { value, selectionStart, selectionEnd } = this.#field;
    const isHere = selectionStart === selectionEnd && !/\S/u.test(value.slice(selectionEnd));
    const before = value.slice(0, selectionStart);
    const { store, commands } = this.#page;
    const isOff = !isHere || /[\r\n]/u.test(value) || commands.isSecret(value);
    this.#show(isOff ? [] : suggest(before, store.state, commands, isAsked));
  }

  #show(found) {
    this.#found = found;
    this.#at = -1;
    this.menu.hidden = !this.isOpen;
    this.menu.replaceChildren(...found.map((one, at) => this.#option(one, at)));
    this.#field.removeAttribute("aria-activedescendant");
  }

  #option({ label, note }, at) {
    const take = (event) => {
      event.preventDefault();
      this.#take(at);
    };
    const attributes = { id: `completion-${at}`, role: "option", "aria-selected": "false" };
    return h(
      "li",
      { ...attributes, onclick: take },
      h("span", { class: "completion" }, label),
      note !== "" && h("span", { class: "hint" }, note),
    );
  }

  #choose(at) {
    this.#at = (at + this.#found.length) % this.#found.length;
    [...this.menu.children].forEach((option, place) => {
      option.setAttribute("aria-selected", String(place === this.#at));
      if (place === this.#at) option.scrollIntoView({ block: "nearest" });
    });
    this.#field.setAttribute("aria-activedescendant", `completion-${this.#at}`);
  }

  #take(at) {
    const { text, replaces } = this.#found[at];
    const { value, selectionStart } = this.#field;
    const before = value.slice(0, selectionStart - replaces);
    this.#field.value = `${before}${text} ${value.slice(selectionStart).trimStart()}`;
    const cursor = before.length + text.length + 1;
    this.#field.setSelectionRange(cursor, cursor);
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

const ATTRIBUTES = {
  "aria-autocomplete": "list",
  "aria-controls": "completions",
  "aria-haspopup": "listbox",
};
