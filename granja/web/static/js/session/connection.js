// Opens and closes one WebSocket at a time, notices silence, and tries again after longer and
// longer pauses.  It does not know what the lines mean.

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
const CONNECT_LIMIT = 10_000;

/** Milliseconds before a new try; the first attempt is 0.  They double up to a bound, and vary a
 *  little, so that not everybody on a farm comes back at the same moment. */
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
   * @param handlers onOpen(), onMessage(data), onLost(): the connection broke or failed to open;
   *   onWaiting(milliseconds): the next try comes after this pause.
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

  /** @returns whether it sent the line; it does not keep a line for later. */
  send(line) {
    if (!this.isOpen) return false;
    this.#socket.send(line);
    return true;
  }

  /** The connection works, so the next pause is short again. */
  settled() {
    this.#attempt = 0;
  }

  /** Treat the connection as broken now, without waiting until the network notices. */
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

  /** Try again at once, if it is waiting in a pause. */
  retryNow() {
    if (this.#retry !== null) this.open();
  }

  /** End the connection for good, without an event. */
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
