// One WebSocket at a time: opens, closes, notices silence, comes back with growing pauses.
// It knows nothing of what is said.

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
const CONNECT_LIMIT = 10_000;

/** Milliseconds before the attempt-th new try (from 0): doubling, bounded, a little uneven so
 *  that a whole farm does not come back in the same instant. */
export function pauseBefore(attempt, random = Math.random) {
  const pause = Math.min(FIRST_PAUSE * 2 ** attempt, LONGEST_PAUSE);
  return Math.round(pause * (0.75 + random() / 2));
}

export class Connection {
  #socket = null;
  #retry = null;
  #limit = null;
  #attempt = 0;

  /**
   * @param url of the WebSocket.
   * @param handlers onOpen(), onMessage(data), onLost(): the connection broke or could not be
   *   made; onWaiting(milliseconds): a new try comes after this pause.
   */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get isBusy() {
    return this.#socket !== null || this.#retry !== null;
  }

  open() {
    this.#forget();
    const socket = new WebSocket(this.url, "granja.json");
    this.#socket = socket;
    this.#limit = setTimeout(() => this.drop(), CONNECT_LIMIT);
    socket.onopen = () => {
      clearTimeout(this.#limit);
      this.handlers.onOpen();
    };
    socket.onmessage = (event) => this.handlers.onMessage(JSON.parse(event.data));
    socket.onclose = () => this.drop();
  }

  /** @returns whether it was written; a line is not kept for later here. */
  send(line) {
    if (!this.isOpen) return false;
    this.#socket.send(line);
    return true;
  }

  /** Things went well: the next pause is short again. */
  settled() {
    this.#attempt = 0;
  }

  /** Treat the connection as broken now, without waiting for the network to notice. */
  drop() {
    if (this.#socket === null) return;
    this.#forget();
    this.handlers.onLost();
  }

  /** Try again after the next pause. */
  retryLater() {
    const pause = pauseBefore(this.#attempt);
    this.#attempt += 1;
    this.#retry = setTimeout(() => this.open(), pause);
    this.handlers.onWaiting(pause);
  }

  /** Try again at once, if a pause is under way. */
  retryNow() {
    if (this.#retry !== null) this.open();
  }

  /** End it for good, and silently. */
  close() {
    this.#forget();
  }

  #forget() {
    clearTimeout(this.#retry);
    clearTimeout(this.#limit);
    this.#retry = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
