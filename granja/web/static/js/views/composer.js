// Where one types: talk, whispers, emoticons and the colon-commands.

import { byId, h, icon, isNarrow, watch } from "./dom.js";
import { oneLine } from "../model/commands.js";
import { keep, kept } from "../session/memory.js";
import { addressee } from "../model/state.js";

const RECALLED = 50;

export function showComposer(page) {
  const composer = new Composer(page);
  composer.restore();
  byId("composer").append(...composer.parts());
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    composer.submit();
  });
  watch(
    page.store,
    (state) => state.phase === "inside",
    (inside) => composer.setInside(inside),
  );
  watch(
    page.store,
    (state) => state.phase === "door",
    (isOut, wasOut) => isOut && wasOut === false && composer.forget(),
  );
  watch(
    page.store,
    (state) => state.whisper,
    (whisper) => composer.showAddressee(whisper),
  );
  byId("log").addEventListener("click", (event) => {
    const id = event.target.dataset?.again;
    if (id) page.session.sayAgain(Number(id));
  });
  return composer;
}

class Composer {
  #page;
  #said = []; // what was sent, newest last, for the arrow keys
  #back = 0;

  constructor(page) {
    this.#page = page;
    this.input = h("input", {
      id: "line",
      type: "text",
      enterkeyhint: "send",
      autocapitalize: "sentences",
      "aria-describedby": "composer-hint",
      oninput: () => this.#keepDraft(),
      onkeydown: (event) => this.#key(event),
    });
    this.label = h("label", { for: "line", class: "hidden" }, "Mensaje");
    this.chip = h("div", { class: "chip", hidden: true });
    this.hint = h("p", { id: "composer-hint", class: "composer-hint", role: "status" });
  }

  /** What was being typed when the page was left, and to whom. */
  restore() {
    this.input.value = kept("draft") ?? "";
    const name = kept("whisper");
    if (name !== null) this.#page.store.dispatch({ type: "resumed", name });
  }

  /** They have left: the next one at this page finds nothing of theirs. */
  forget() {
    this.input.value = "";
    this.#said = [];
    this.#back = 0;
    this.#keepDraft();
  }

  #keepDraft() {
    const text = this.input.value;
    keep("draft", text === "" || this.#page.commands.isSecret(text) ? null : text);
  }

  parts() {
    const { commands } = this.#page;
    const help = commands.line("talk.show_help");
    const faces = commands.emoticons.map(({ word, face }) => {
      const say = () => this.#emoticon(word, face);
      const shown = face.replace("¡Larva! ", "");
      return h(
        "button",
        {
          type: "button",
          class: "face",
          title: word,
          "aria-label": `${shown} ${commands.about(word)}`,
          onclick: say,
        },
        shown,
      );
    });
    const ask = h(
      "button",
      {
        type: "button",
        class: "face",
        title: help,
        "aria-label": "? Ayuda: ver los comandos",
        onclick: () => this.#sayNow(help),
      },
      "?",
    );
    const send = h("button", { class: "primary send", "aria-label": "Enviar" }, icon("send"));
    return [
      h("div", { class: "faces", role: "group", "aria-label": "Emoticones" }, ...faces, ask),
      this.chip,
      h("div", { class: "line" }, this.label, this.input, send),
      this.hint,
    ];
  }

  /** Put the cursor here, except where that would open a phone's keyboard unasked. */
  enter() {
    if (matchMedia("(hover: hover)").matches) requestAnimationFrame(() => this.focus());
  }

  focus() {
    this.input.focus();
  }

  setInside(inside) {
    this.input.placeholder = inside ? "Escribe un mensaje…" : "Sin conexión: esto se queda aquí";
    this.hint.textContent = "";
  }

  /** From now on, lines go to this farmer alone; null: to everybody. */
  whisperTo(name) {
    this.#page.store.dispatch({ type: "addressed", name });
    if (isNarrow()) this.#page.goTo("talk");
    this.focus();
  }

  /** Say beside the field where lines go. */
  showAddressee(whisper) {
    this.hint.textContent = "";
    keep("whisper", whisper?.name ?? null);
    this.chip.hidden = whisper === null;
    this.label.textContent = whisper === null ? "Mensaje" : `Susurro para ${whisper.name}`;
    if (whisper === null) return;
    this.chip.classList.toggle("gone", whisper.gone);
    const everybody = () => this.whisperTo(null);
    const end = whisper.gone
      ? h("button", { type: "button", class: "small", onclick: everybody }, "Escribir a todxs")
      : h(
          "button",
          {
            type: "button",
            class: "round tiny",
            "aria-label": "Dejar de susurrar",
            onclick: everybody,
          },
          icon("cross"),
        );
    const sentence = whisper.gone
      ? `${whisper.name} ya no está. Lo que escribas no le llega a nadie.`
      : `Susurrando a ${whisper.name}`;
    this.chip.replaceChildren(icon("whisper"), h("span", {}, sentence), end);
  }

  submit() {
    const text = oneLine(this.input.value);
    if (text === "") return;
    if (this.#page.store.state.phase !== "inside") return this.#noLine();
    const { commands } = this.#page;
    const isTalk = commands.wordOf(text) === null && !commands.isSecret(text);
    const line = isTalk ? this.#addressed(text, text) : text;
    if (line === null) return;
    if (!commands.fits(line))
      this.hint.textContent = `Es demasiado largo: hay lugar para ${commands.limits.line} bytes.`;
    else if (this.#page.session.say(line)) this.#sent(text);
    else this.#noLine();
  }

  #noLine() {
    this.hint.textContent =
      "Ahora no hay conexión. Tu mensaje se queda aquí y podrás enviarlo al volver.";
  }

  /**
   * The line that says it to whom one writes; null, with a word why, when there is nobody.
   * Whatever is no command is for that farmer alone, also ":)" and what only looks like one.
   */
  #addressed(toAll, toOne) {
    const { to, name } = addressee(this.#page.store.state);
    if (to === "all") return toAll;
    if (to === "one") return this.#page.commands.line("talk.whisper", name, toOne);
    this.hint.textContent = `${name} ya no está. Elige de nuevo a quién le escribes.`;
    return null;
  }

  #sent(text) {
    this.input.value = this.hint.textContent = "";
    this.#keepDraft();
    if (!this.#page.commands.isSecret(text)) this.#said = [...this.#said, text].slice(-RECALLED);
    this.#back = 0;
  }

  #emoticon(word, face) {
    const line = this.#addressed(word, face);
    if (line !== null) this.#sayNow(line);
  }

  #sayNow(line) {
    if (!this.#page.session.say(line))
      this.hint.textContent = "Ahora no hay conexión con la granja.";
  }

  #key(event) {
    // While an input method composes, keys are its own; Safari says so with 229 only.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && this.#page.store.state.whisper !== null) this.whisperTo(null);
    if (!["ArrowUp", "ArrowDown"].includes(event.key)) return;
    if (this.#back === 0 && (this.input.value !== "" || event.key === "ArrowDown")) return;
    event.preventDefault();
    const back = this.#back + (event.key === "ArrowUp" ? 1 : -1);
    this.#back = Math.max(0, Math.min(back, this.#said.length));
    this.input.value = this.#said.at(-this.#back || this.#said.length) ?? "";
    if (this.#back === 0) this.input.value = "";
  }
}
