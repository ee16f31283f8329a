// Where one types: talk, whispers, emoticons and the colon-commands.

import { byId, h, icon, isNarrow, watch } from "./dom.js";
import { byteLength, commandWord, EMOTICONS, isSecret, oneLine } from "../model/commands.js";

const MOST_BYTES = 4096;
const RECALLED = 50;

export function showComposer(page) {
  const composer = new Composer(page);
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
  byId("log").addEventListener("click", (event) => {
    const id = event.target.dataset?.again;
    if (id) page.session.sayAgain(Number(id));
  });
  return composer;
}

class Composer {
  #page;
  #whom = null;
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
      onkeydown: (event) => this.#key(event),
    });
    this.label = h("label", { for: "line", class: "hidden" }, "Mensaje");
    this.chip = h("div", { class: "chip", hidden: true });
    this.hint = h("p", { id: "composer-hint", class: "composer-hint", role: "status" });
  }

  parts() {
    const faces = EMOTICONS.map(({ word, face, name }) => {
      const say = () => this.#emoticon(this.#whom === null ? word : `:p ${this.#whom} ${face}`);
      const shown = face.replace("¡Larva! ", "");
      return h(
        "button",
        {
          type: "button",
          class: "face",
          title: word,
          "aria-label": `${shown} ${name}`,
          onclick: say,
        },
        shown,
      );
    });
    const help = h(
      "button",
      {
        type: "button",
        class: "face",
        title: ":help",
        "aria-label": "? Ayuda: ver los comandos",
        onclick: () => this.#emoticon(":help"),
      },
      "?",
    );
    const send = h("button", { class: "primary send", "aria-label": "Enviar" }, icon("send"));
    return [
      h("div", { class: "faces", role: "group", "aria-label": "Emoticones" }, ...faces, help),
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
    this.#whom = name;
    this.chip.hidden = name === null;
    this.label.textContent = name === null ? "Mensaje" : `Susurro para ${name}`;
    if (name !== null) {
      const stop = () => this.whisperTo(null);
      this.chip.replaceChildren(
        icon("whisper"),
        h("span", {}, `Susurrando a ${name}`),
        h(
          "button",
          { type: "button", class: "round tiny", "aria-label": "Dejar de susurrar", onclick: stop },
          icon("cross"),
        ),
      );
    }
    if (isNarrow()) this.#page.goTo("talk");
    this.focus();
  }

  submit() {
    const text = oneLine(this.input.value);
    if (text === "") return;
    // Whatever is no command is for that farmer alone, also ":)" and all that only looks like one.
    const line =
      this.#whom !== null && commandWord(text) === null ? `:p ${this.#whom} ${text}` : text;
    if (byteLength(line) > MOST_BYTES)
      this.hint.textContent = `Es demasiado largo: hay lugar para ${MOST_BYTES} bytes.`;
    else if (this.#page.session.say(line)) this.#sent(text);
    else
      this.hint.textContent =
        "Ahora no hay conexión. Tu mensaje se queda aquí y podrás enviarlo al volver.";
  }

  #sent(text) {
    this.input.value = this.hint.textContent = "";
    if (!isSecret(text)) this.#said = [...this.#said, text].slice(-RECALLED);
    this.#back = 0;
  }

  #emoticon(word) {
    if (!this.#page.session.say(word))
      this.hint.textContent = "Ahora no hay conexión con la granja.";
  }

  #key(event) {
    if (event.key === "Escape" && this.#whom !== null) this.whisperTo(null);
    if (event.isComposing || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    if (this.#back === 0 && (this.input.value !== "" || event.key === "ArrowDown")) return;
    event.preventDefault();
    const back = this.#back + (event.key === "ArrowUp" ? 1 : -1);
    this.#back = Math.max(0, Math.min(back, this.#said.length));
    this.input.value = this.#said.at(-this.#back || this.#said.length) ?? "";
    if (this.#back === 0) this.input.value = "";
  }
}
