// Knows which of the person's lines the server has surely read.
//
// The server does not echo talk, and a line sent on a dead connection is lost without an error.
// But the server answers in order.  When the answer to a later question (the "probe") arrives, the
// server has read every line before that question.

export class Receipts {
  #queue = [];

  /** The page sent the line with this identity. */
  sent(id) {
    this.#queue.push(id);
  }

  /** The page sent a probe. */
  probed() {
    this.#queue.push(null);
  }

  /** The answer to the oldest probe came. @returns false when there is no open probe. */
  confirmed() {
    const probe = this.#queue.indexOf(null);
    if (probe === -1) return false;
    this.#queue.splice(0, probe + 1);
    return true;
  }

  get probing() {
    return this.#queue.includes(null);
  }

  /** Whether the page sent a line after the last probe. */
  get owesProbe() {
    return this.#queue.length > 0 && this.#queue.at(-1) !== null;
  }

  /** The identities of the lines that the server has not surely read. */
  get unproved() {
    return this.#queue.filter((id) => id !== null);
  }

  /** The connection is gone. @returns the identities of the lines that may be lost. */
  lost() {
    const ids = this.unproved;
    this.#queue = [];
    return ids;
  }
}
