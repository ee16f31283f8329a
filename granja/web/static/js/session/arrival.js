// Decides what to answer at the door without asking the person again.  Pure: others send it.

import { spellList } from "../model/counts.js";

export class Arrival {
  /** What the person said, for the next connection.  It keeps the password only until its use. */
  name = null;
  artifacts = null;
  /** Whether these answers led inside.  Then, after a lost connection, they are given again. */
  trusted = false;
  /** The pass that brings the person back, and the number of the last line that they heard. */
  pass = null;
  heard = null;
  #password = null;
  #verdict = null;
  #isNewList = false; // whether the person gave the list just now, so that the person confirms it
  #used = new Set();

  /** A connection begins.  It may use each remembered answer once. */
  begin() {
    this.#used.clear();
  }

  /** The person's own answer: to give now or, if the connection is lost, at the next try. */
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

  /** The person is inside, with this name and these artifacts. */
  entered(name) {
    this.name = name;
    this.trusted = true;
    this.#password = null;
    this.#isNewList = false;
  }

  /** [pass, number of the last line heard], once a connection; or null. */
  takePass() {
    if (this.pass === null || this.#used.has("pass")) return null;
    this.#used.add("pass");
    return this.heard === null ? [this.pass] : [this.pass, this.heard];
  }

  /** Next time the person is a stranger again. */
  forget() {
    this.pass = this.heard = null;
    this.name = this.artifacts = this.#password = this.#verdict = null;
    this.trusted = false;
  }

  /** The line that answers this question, or null when the person must answer. */
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
