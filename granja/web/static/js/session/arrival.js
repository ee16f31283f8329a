// What to answer at the door without asking the person again.  Pure: it decides, others send.

import { spellList } from "../model/counts.js";

export class Arrival {
  /** What the person said, kept for the next connection; the password only until it is used. */
  name = null;
  artifacts = null;
  /** Was inside with these: a lost connection arrives again by itself. */
  trusted = false;
  /** What brings them back as whom they are, and the number of the last line that was heard. */
  pass = null;
  heard = null;
  #password = null;
  #verdict = null;
  #isNewList = false; // the person gave it just now, so the person confirms it
  #used = new Set();

  /** A connection begins: each remembered answer may be used once in it. */
  begin() {
    this.#used.clear();
  }

  /** The person's own answer, to be given now or, if the line has dropped, at the next try. */
  learn(question, answer) {
    this.#used.delete(question);
    if (question === "name") this.name = answer;
    if (question === "artifacts") {
      this.artifacts = answer;
      this.#isNewList = true;
    }
    if (question === "password") this.#password = answer;
    if (question === "confirm") this.#verdict = answer;
  }

  /** They got in, as this name and with these artifacts. */
  entered(name) {
    this.name = name;
    this.trusted = true;
    this.#password = null;
    this.#isNewList = false;
  }

  /** [pass, number of the last line heard], once in a connection; or null. */
  takePass() {
    if (this.pass === null || this.#used.has("pass")) return null;
    this.#used.add("pass");
    return this.heard === null ? [this.pass] : [this.pass, this.heard];
  }

  /** Next time they are a stranger again. */
  forget() {
    this.pass = this.heard = null;
    this.name = this.artifacts = this.#password = this.#verdict = null;
    this.trusted = false;
  }

  /** The line that answers this question, or null when the person has to. */
  answer(question) {
    if (this.#used.has(question)) return null;
    this.#used.add(question);
    if (question === "name") return this.name;
    if (question === "password") return this.#takePassword();
    if (question === "artifacts") return this.artifacts && spellList(this.artifacts);
    return this.#takeVerdict() ?? (this.trusted && !this.#isNewList ? "si" : null);
  }

  #takeVerdict() {
    const verdict = this.#verdict;
    this.#verdict = null;
    return verdict;
  }

  #takePassword() {
    const password = this.#password;
    this.#password = null;
    return password;
  }
}
