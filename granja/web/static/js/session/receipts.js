// Which of one's lines the server has surely read.
//
// The server does not echo talk, and a line written to a dead connection vanishes without an
// error. But the conversation is ordered: when the answer to a later question (the "probe")
// arrives, everything said before that question was read.

export class Receipts {
  #queue = [];

  /** A line with this identity was written. */
  sent(id) {
    this.#queue.push(id);
  }

  /** A probe was written. */
  probed() {
    this.#queue.push(null);
  }

  /** The answer to the oldest probe came. @returns false when no probe was waiting. */
  confirmed() {
    const probe = this.#queue.indexOf(null);
    if (probe === -1) return false;
    this.#queue.splice(0, probe + 1);
    return true;
  }

  get probing() {
    return this.#queue.includes(null);
  }

  /** Whether a line was written since the last probe. */
  get unproved() {
    return this.#queue.length > 0 && this.#queue.at(-1) !== null;
  }

  /** The connection is gone: the identities of the lines that may be lost. */
  lost() {
    const ids = this.#queue.filter((id) => id !== null);
    this.#queue = [];
    return ids;
  }
}
