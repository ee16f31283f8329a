// Talks with the server: it joins the connection, the arrival and the state.

import { Arrival } from "./arrival.js";
import { oneLine } from "../model/commands.js";
import { recall, remember } from "./memory.js";
import { Connection } from "./connection.js";
import { Receipts } from "./receipts.js";

/** After this silence the page asks about a line of the person, or (QUIET_LIMIT) about all. */
const PROVE_AFTER = 1000;
const QUIET_LIMIT = 45_000;
/** If an answer takes longer than this, the connection is dead. */
const PROOF_LIMIT = 15_000;
/** The limit is shorter when the person has just come back to the page. */
const WAKE_LIMIT = 8000;
/** The same for the questions at the door; and where the server has said that it waits. */
const ARRIVAL_LIMIT = 10_000;
const PATIENT_LIMIT = 75_000;
/** A timer this late slept with the page, so it says nothing about the other end. */
const ASLEEP = 2000;
/** How often, and how long, it tries a name that the person's own lost connection still holds. */
const NAME_PAUSE = 4000;
const NAME_PATIENCE = 36_000;

const LOST = "Se cortó la conexión con la granja. Lo que escribas se queda aquí.";
const NO_LINE = "No hay línea con la granja. Esta página vuelve sola en cuanto la haya.";
const UNREACHABLE = "No logro llegar a la granja. Sigo intentando.";
const NAME_HELD = "Tu conexión anterior todavía guarda tu nombre. Espero a que lo suelte.";
/** The page notes the visit this long after a change, and when the person leaves the page. */
const NOTE_AFTER = 2000;
/** After these the visit is over, or another window's. */
const PARTED = new Set(["goodbye", "replaced"]);
/** How many entries of the talk it keeps for a page that is loaded again. */
const KEPT = 200;

const NAME_LOST =
  "Alguien más tomó tu nombre mientras no estabas. Elige otro: tus artefactos y lo que escribías siguen aquí.";
const ELSEWHERE = "Entraste desde otro lugar, así que esta ventana se desconectó.";

export class Session {
  #store;
  #isCut;
  #commands;
  #connection;
  #arrival = new Arrival();
  #receipts = new Receipts();
  #watch = null;
  #nameTimer = null;
  #nameHeldSince = null; // when the person's own name was first taken, on coming back
  #noting = null; // the timer that notes the visit
  #wasRegistered = false; // whether the person was registered when last inside
  #asked = null; // the question that the server has asked
  #lastError = null; // code of the last refusal at the door
  #parting = null; // the notice that announced the end, if there was one

  /** @param isCut whether this page only waits for a line (line.js): then it connects nowhere. */
  constructor(store, url, commands, { isCut = false } = {}) {
    this.#store = store;
    this.#isCut = isCut;
    this.#commands = commands;
    this.#connection = new Connection(url, {
      onOpen: () => this.#opened(),
      onMessage: (message) => this.#heard(message),
      onLost: () => this.#lost(),
      onWaiting: () => {},
    });
  }

  /** The name that the person gave at the door, or null. */
  get name() {
    return this.#arrival.name;
  }

  // -- coming back ---------------------------------------------------------------------------

  /** Whether this browser was inside when the page was left. */
  get canResume() {
    return typeof recall("visit")?.pass === "string";
  }

  /** Go on where it was then. */
  resume() {
    const visit = recall("visit");
    this.#arrival.pass = visit.pass;
    this.#arrival.heard = visit.heard;
    this.#arrival.name = visit.name;
    this.#store.dispatch({ type: "resumed-visit", visit });
    this.#connect();
  }

  /** Note the visit, for a page that is loaded again. */
  note() {
    clearTimeout(this.#noting);
    this.#noting = null;
    const { phase, me: name, registered, mine, offers, read, trades, ignored } = this.#store.state;
    const { pass, heard } = this.#arrival;
    if (phase !== "inside" || pass === null) return;
    const log = this.#store.state.log.slice(-KEPT);
    const { unproved } = this.#receipts;
    const known = { registered, mine, offers, log, unproved, read, trades, ignored };
    remember("visit", { pass, heard, name, ...known });
  }

  /** Note only the talk of a visit that has no connection now. */
  #noteTalk() {
    const visit = recall("visit");
    if (visit === null || this.#arrival.pass === null) return;
    // The talk here has a mark on each line that was not proved.
    remember("visit", { ...visit, log: this.#store.state.log.slice(-KEPT), unproved: [] });
  }

  #noteSoon() {
    this.#noting ??= setTimeout(() => this.note(), NOTE_AFTER);
  }

  #forgetVisit() {
    clearTimeout(this.#noting);
    this.#noting = null;
    remember("visit", null);
    this.#arrival.forget();
  }

  /** Another window of this browser may have been here since then, and may have a newer pass. */
  #renewPass() {
    const visit = recall("visit");
    if (visit?.name !== this.#arrival.name || !visit.pass) return;
    this.#arrival.pass = visit.pass;
    this.#store.dispatch({ type: "seen-elsewhere", log: visit.log });
  }

  /** @returns whether it showed the pass instead of the name. */
  #showPass() {
    this.#renewPass();
    const pass = this.#arrival.takePass();
    if (pass === null) return false;
    this.#asked = null;
    return this.command("registration.come_back", ...pass);
  }

  /** The pass is no longer valid, so the usual questions come.  A newly loaded page starts over. */
  #passRefused() {
    remember("visit", null);
    this.#arrival.pass = this.#arrival.heard = null;
    if (this.#arrival.trusted) return;
    this.#arrival.forget();
    this.#store.dispatch({ type: "outside" });
  }

  // -- what the person does ------------------------------------------------------------------

  /** Answer a question of the arrival.  Connects first if necessary. */
  answer(question, value) {
    clearTimeout(this.#nameTimer);
    this.#arrival.learn(question, value);
    if (this.#isCut && question === "name") remember("name", value);
    this.#store.dispatch({ type: "answered" });
    if (this.#connection.isOpen && this.#asked === question) this.#reply(question);
    else if (!this.#connection.isBusy) this.#connect();
    else this.#connection.retryNow();
  }

  /** "Sí" accepts the list and goes in; "no" makes the server ask for the list again. */
  confirm(yes) {
    this.answer("confirm", yes ? "si" : "no");
  }

  /** @returns whether it sent the line; if not, the person must still see it. */
  say(text) {
    const line = oneLine(text);
    const { phase, nextEntry } = this.#store.state;
    if (phase !== "inside" || !this.#connection.send(line)) return false;
    const isSecret = this.#commands.isSecret(line);
    const echo = this.#commands.echoOf(line);
    this.#store.dispatch({ type: "spoke", echo, line: isSecret ? null : line, at: now() });
    this.#noteSoon();
    const isGoodbye = this.#commands.does(line, "talk.leave");
    if (!isGoodbye && !isSecret) this.#receipts.sent(nextEntry);
    this.#listenOn();
    return true;
  }

  /** Send the command of a button, by its deed.  The talk does not show it. */
  command(deed, ...values) {
    return this.#connection.send(oneLine(this.#commands.line(deed, ...values)));
  }

  /** Say a doubtful line again.  @returns whether it was sent. */
  sayAgain(id) {
    const entry = this.#store.state.log.find((known) => known.id === id);
    if (!entry || !this.say(entry.line)) return false;
    this.settle(id);
    return true;
  }

  /** Doubt a line no more, also when the page is loaded again. */
  settle(id) {
    this.#store.dispatch({ type: "settled", id });
    if (this.#store.state.phase === "inside") this.note();
    else this.#noteTalk();
  }

  /** Start again under another name. */
  becomeStranger() {
    clearTimeout(this.#nameTimer);
    this.#connection.close();
    this.#forgetVisit();
    this.#store.dispatch({ type: "outside" });
  }

  /** The person wants a connection now. */
  retryNow() {
    if (this.#isCut || (!this.#connection.isBusy && this.#arrival.name !== null)) this.#connect();
    else this.#connection.retryNow();
  }

  /** There is a new chance (a network, somebody looks at the page), so the pause may end. */
  wake() {
    this.#connection.retryNow();
    const { phase, step } = this.#store.state;
    if (phase !== "inside" || step !== null || !this.#connection.isOpen) return;
    if (this.#receipts.probing) this.#awaitProof(WAKE_LIMIT);
    else this.#probe(WAKE_LIMIT);
  }

  /** The browser says that there is no network.  It knows this sooner than silence shows it. */
  networkGone() {
    this.#connection.drop();
  }

  // -- the connection ------------------------------------------------------------------------

  #connect() {
    if (this.#isCut) {
      this.#store.dispatch({ type: "disconnected", link: "waiting", notice: NO_LINE });
      return;
    }
    this.#store.dispatch({ type: "connecting" });
    this.#connection.open();
  }

  #opened() {
    this.#arrival.begin();
    this.#asked = this.#lastError = this.#parting = null;
    this.#store.dispatch({ type: "connected" });
    this.#listenOn();
  }

  #lost() {
    clearTimeout(this.#watch);
    clearTimeout(this.#nameTimer);
    const { phase, registered } = this.#store.state;
    const wasInside = phase === "inside";
    this.#store.dispatch({ type: "doubted", ids: this.#receipts.lost() });
    if (wasInside) {
      if (!PARTED.has(this.#parting)) this.note();
      this.#rememberHoldings();
      this.#wasRegistered = registered;
    }
    this.#asked = null;
    this.#afterLoss(wasInside);
  }

  #afterLoss(wasInside) {
    if (this.#parting === "goodbye") {
      this.#forgetVisit();
      this.#store.dispatch({
        type: "outside",
        notice: "¡Adiós y suerte completando tu colección!",
      });
    } else if (this.#parting === "replaced") {
      this.#store.dispatch({ type: "disconnected", link: "idle", notice: ELSEWHERE });
    } else if (this.#parting === "time-up" || this.#lastError === "WrongPassword") {
      this.#rest();
    } else {
      const notice = wasInside || this.#arrival.trusted ? LOST : UNREACHABLE;
      this.#store.dispatch({ type: "disconnected", link: "waiting", notice });
      this.#connection.retryLater();
    }
  }

  /** Nobody answers at the door: keep the form's content, and connect when the person goes on. */
  #rest() {
    if (this.#arrival.trusted && this.#store.state.step === null) {
      this.#store.dispatch({ type: "disconnected", link: "waiting", notice: LOST });
      this.#connection.retryLater();
    } else {
      this.#store.dispatch({ type: "disconnected", link: "idle", notice: null });
    }
  }

  #rememberHoldings() {
    this.#arrival.artifacts = this.#store.state.mine;
  }

  // -- what the server says ------------------------------------------------------------------

  #heard(message) {
    // At the door these are the line numbers of the new connection, not those of the visit.
    if (this.#store.state.phase === "inside" && message.n) this.#arrival.heard = message.n;
    if (this.#isProof(message)) {
      this.#noteSoon();
      return this.#listenOn();
    }
    if (message.type === "pass") return this.#given(message.pass);
    if (message.type === "error" && message.code === "BadPass") return this.#passRefused();
    const wasInside = this.#store.state.phase === "inside";
    if (message.type === "notice") this.#parting = message.code;
    if (message.type === "error") this.#lastError = message.code;
    this.#store.dispatch({ type: "heard", message, at: now() });
    if (message.type === "prompt") this.#prompted(message.question);
    if (message.type === "ready") this.#ready(message, wasInside);
    if (message.type === "missed") this.#lookAround();
    this.#listenOn();
    this.#noteSoon();
  }

  #given(pass) {
    this.#arrival.pass = pass;
    this.note();
  }

  #prompted(question) {
    this.#asked = question;
    if (question === "name" && this.#showPass()) return;
    if (question === "name" && this.#isOwnGhost()) this.#waitForName();
    else if (question === "password" && this.#isStolen()) this.#loseName();
    else if (!this.#reply(question)) this.#store.dispatch({ type: "asking", step: question });
  }

  /** @returns whether it gave a remembered answer. */
  #reply(question) {
    const line = this.#arrival.answer(question);
    if (line === null) return false;
    this.#asked = null;
    this.#lastError = null;
    if (question === "password") this.#store.dispatch({ type: "known" });
    this.#connection.send(line);
    this.#listenOn();
    return true;
  }

  #isOwnGhost() {
    return this.#arrival.trusted && this.#lastError === "NameTaken";
  }

  /** If a visitor's name asks for a password now, somebody else has registered it. */
  #isStolen() {
    return this.#arrival.trusted && !this.#wasRegistered;
  }

  /** Go back to the name card, and keep the person's artifacts and talk. */
  #loseName() {
    clearTimeout(this.#nameTimer);
    this.#nameHeldSince = null;
    this.#connection.close();
    this.#store.dispatch({ type: "disconnected", link: "idle", notice: null });
    this.#store.dispatch({ type: "asking", step: "name", error: NAME_LOST });
  }

  #waitForName() {
    this.#nameHeldSince ??= now();
    if (now() - this.#nameHeldSince > NAME_PATIENCE) return this.#loseName();
    this.#store.dispatch({ type: "noticed", notice: NAME_HELD });
    this.#nameTimer = setTimeout(() => this.answer("name", this.#arrival.name), NAME_PAUSE);
  }

  #ready({ name, n = null }, wasInside) {
    this.#arrival.heard = n;
    this.#asked = this.#nameHeldSince = null;
    this.#arrival.entered(name);
    if (wasInside) return;
    this.#connection.settled();
    this.#lookAround();
  }

  #lookAround() {
    if (this.command("talk.list_users")) this.#store.dispatch({ type: "hushed" });
    if (this.command("ignoring.ignore")) this.#store.dispatch({ type: "hushed-ignored" });
  }

  // -- whether the other end is there ----------------------------------------------------------

  #probeNumber() {
    return this.#store.state.catalog[0].id;
  }

  #isProof(message) {
    const fits = message.type === "artifact" && message.artifact.id === this.#probeNumber();
    return fits && this.#receipts.confirmed();
  }

  /** Somebody said something, so the count of silence starts again. */
  #listenOn() {
    clearTimeout(this.#watch);
    const { phase, step } = this.#store.state;
    if (phase !== "inside") return this.#awaitArrival();
    if (step !== null) return;
    if (this.#receipts.probing) {
      this.#awaitProof(PROOF_LIMIT);
    } else {
      const silence = this.#receipts.owesProbe ? PROVE_AFTER : QUIET_LIMIT;
      this.#watch = setTimeout(() => this.#probe(), silence);
    }
  }

  /** The server owes the next word at the door, unless it has asked the person something. */
  #awaitArrival() {
    if (this.#asked !== null || !this.#connection.isOpen) return;
    const limit = this.#parting === "too-many-tries" ? PATIENT_LIMIT : ARRIVAL_LIMIT;
    this.#watch = setTimeout(() => this.#connection.drop(), limit);
  }

  /** Ask the cheapest question, to see a sign of life.  The answer must come within the limit. */
  #probe(limit = PROOF_LIMIT) {
    this.command("collection.show_artifact", this.#probeNumber());
    this.#receipts.probed();
    this.#awaitProof(limit);
  }

  #awaitProof(limit) {
    clearTimeout(this.#watch);
    const due = now() + limit;
    this.#watch = setTimeout(() => {
      if (now() - due > ASLEEP) this.#awaitProof(WAKE_LIMIT);
      else this.#connection.drop();
    }, limit);
  }
}

const now = () => Date.now();
