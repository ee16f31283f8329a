// The field where the person types talk, whispers, emoticons and the colon-commands.

import { Completion } from "./completion.js";
import { byId, h, icon, isNarrow, watch } from "./dom.js";
import { linesOf } from "../model/commands.js";
import { keep, kept, recall, remember } from "../session/memory.js";
import { addressee } from "../model/state.js";
import { NOT_NOW } from "./unsent.js";

const RECALLED = 50;
/** Before it sends this many lines at once, the page asks. */
const MANY = 20;

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
    const { again, settled } = event.target.dataset ?? {};
    if (again) composer.again(Number(again));
    if (settled) composer.settle(Number(settled));
  });
  return composer;
}

/** In this tab, and in the browser for a tab that was closed by mistake; saying goodbye erases it. */
function keepForLater(key, value) {
  keep(key, value);
  remember(key, value);
}

class Composer {
  #page;
  #said = []; // what the person sent, the newest at the end, for the arrow keys
  #back = 0;
  #isShifted = false; // Shift and Enter begin another line

  constructor(page) {
    this.#page = page;
    this.input = h("textarea", {
      id: "line",
      rows: 1,
      enterkeyhint: "send",
      autocapitalize: "sentences",
      autocomplete: "off",
      "aria-describedby": "composer-hint",
      oninput: () => this.#changed(),
      onkeydown: (event) => this.#key(event),
      onbeforeinput: (event) => this.#lineBreak(event),
    });
    this.completion = new Completion(page, this.input);
    this.ask = h("div", { class: "ask-many", role: "alert", hidden: true });
    this.label = h("label", { for: "line", class: "hidden" }, "Mensaje");
    this.chip = h("div", { class: "chip", hidden: true });
    this.hint = h("p", { id: "composer-hint", class: "composer-hint", role: "status" });
  }

  /** Bring back the unsent text of the page before, and who it was for. */
  restore() {
    const known = (key) => kept(key) ?? (this.#page.session.canResume ? recall(key) : null);
    const [draft, name] = [known("draft"), known("whisper")];
    this.#write(draft ?? "");
    if (name !== null) this.#page.store.dispatch({ type: "resumed", name });
  }

  /** The person has left.  The next person at this page finds nothing of theirs. */
  forget() {
    this.#said = [];
    this.#back = 0;
    this.#write("");
  }

  /** Whether the field holds text that was not sent. */
  get hasDraft() {
    return this.input.value.trim() !== "";
  }

  /** Put this text into the field, with the cursor at its end. */
  #write(text) {
    this.input.value = text;
    this.completion.close();
    this.#changed();
  }

  #changed() {
    const text = this.input.value;
    this.ask.hidden = true;
    this.input.rows = Math.min(text.split("\n").length, 6);
    const isSecret = linesOf(text).some((line) => this.#page.commands.isSecret(line));
    keepForLater("draft", text === "" || isSecret ? null : text);
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
    const find = h(
      "button",
      {
        type: "button",
        class: "face",
        title: "Buscar en la charla",
        onclick: () => this.#page.searchTalk(),
      },
      icon("find"),
    );
    return [
      h("div", { class: "faces", role: "group", "aria-label": "Emoticones, ayuda y búsqueda" }, ...faces, ask, find),
      this.chip,
      this.ask,
      h("div", { class: "line" }, this.label, this.completion.menu, this.input, send),
      this.hint,
    ];
  }

  /** Put the cursor here, unless that opens a phone's keyboard unasked. */
  enter() {
    if (matchMedia("(hover: hover)").matches) requestAnimationFrame(() => this.focus());
  }

  focus() {
    this.input.focus();
  }

  setInside(inside) {
    this.input.placeholder = inside ? "Escribe un mensaje…" : "Sin conexión por ahora…";
    this.hint.textContent = "";
  }

  /** From now on, lines go to this farmer alone; null means everybody. */
  whisperTo(name) {
    this.#page.store.dispatch({ type: "addressed", name });
    if (isNarrow()) this.#page.goTo("talk");
    this.focus();
  }

  /** Say beside the field who gets the lines. */
  showAddressee(whisper) {
    this.hint.textContent = "";
    keepForLater("whisper", whisper?.name ?? null);
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
    const lines = linesOf(this.input.value);
    if (lines.length === 0) return;
    if (this.#page.store.state.phase !== "inside") this.#noLine();
    else if (lines.length >= MANY) this.#askFirst(lines.length);
    else this.#sayAll(lines);
  }

  #askFirst(count) {
    const answer = (label, kind, work) => {
      const press = () => {
        this.ask.hidden = true;
        this.focus();
        work();
      };
      return h("button", { type: "button", class: `${kind} small`, onclick: press }, label);
    };
    this.ask.hidden = false;
    this.ask.replaceChildren(
      h("p", {}, `Son ${count} líneas. ¿Las envío todas?`),
      answer("Sí, enviar todas", "primary", () => this.#sayAll(linesOf(this.input.value))),
      answer("No", "quiet", () => {}),
    );
    this.ask.querySelector("button").focus();
  }

  /** Say the lines in order, up to the first that can't be said.  That and the rest stay. */
  #sayAll(lines) {
    const fault = lines.findIndex((text) => !this.#say(text));
    const rest = fault === -1 ? [] : lines.slice(fault);
    if (rest.length < lines.length) this.#write(rest.join("\n"));
    this.#back = 0;
    if (fault === -1) this.hint.textContent = "";
  }

  /** @returns whether it sent the line; if not, the hint says why. */
  #say(text) {
    const { commands, session } = this.#page;
    const isTalk = commands.wordOf(text) === null && !commands.isSecret(text);
    const line = isTalk ? this.#addressed(text, text) : text;
    if (line === null) return false;
    if (!commands.fits(line)) {
      this.hint.textContent = `Es demasiado largo: hay lugar para ${commands.limits.line} bytes.`;
      return false;
    }
    if (!session.say(line)) {
      this.#noLine();
      return false;
    }
    if (!commands.isSecret(text)) this.#said = [...this.#said, text].slice(-RECALLED);
    return true;
  }

  #noLine() {
    this.hint.textContent =
      "Ahora no hay conexión. Tu mensaje se queda aquí y podrás enviarlo al volver.";
  }

  /**
   * The line that goes to the chosen farmer; null, with a hint, when there is nobody to get it.
   * All that is not a command goes to that farmer alone, even ":)" and similar words.
   */
  #addressed(toAll, toOne) {
    const { to, name } = addressee(this.#page.store.state);
    if (to === "all") return toAll;
    if (to === "one") return this.#page.commands.line("talk.whisper", name, toOne);
    this.hint.textContent = `${name} ya no está. Elige de nuevo a quién le escribes.`;
    return null;
  }

  #emoticon(word, face) {
    const line = this.#addressed(word, face);
    if (line !== null) this.#sayNow(line);
  }

  #sayNow(line) {
    if (!this.#page.session.say(line)) this.hint.textContent = NOT_NOW;
  }

  /** Say a line again that perhaps did not arrive. */
  again(id) {
    const isSent = this.#page.session.sayAgain(id);
    this.hint.textContent = isSent ? "" : NOT_NOW;
    if (isSent) this.enter(); // the button that had the focus is gone
  }

  /** Take away the doubt about a line: the person knows better, or does not mind. */
  settle(id) {
    this.#page.session.settle(id);
    this.hint.textContent = "";
    this.enter(); // the button that had the focus is gone
  }

  #key(event) {
    // While an input method composes, keys belong to it; Safari says so only with 229.
    if (event.isComposing || event.keyCode === 229) return;
    this.#isShifted = event.shiftKey;
    if (this.completion.key(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    }
    if (event.key === "Escape" && this.#page.store.state.whisper !== null) this.whisperTo(null);
    if (["ArrowUp", "ArrowDown"].includes(event.key)) this.#recall(event);
  }

  /** A phone's keyboard may report Enter only like this. */
  #lineBreak(event) {
    if (event.inputType !== "insertLineBreak" || this.#isShifted) return;
    event.preventDefault();
    this.submit();
  }

  #recall(event) {
    if (this.#back === 0 && (this.input.value !== "" || event.key === "ArrowDown")) return;
    event.preventDefault();
    const back = this.#back + (event.key === "ArrowUp" ? 1 : -1);
    this.#back = Math.max(0, Math.min(back, this.#said.length));
    this.#write(this.#back === 0 ? "" : this.#said.at(-this.#back));
  }
}
