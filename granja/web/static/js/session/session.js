// The conversation with the server: joins the connection, the door and the state.

import { Arrival } from "./arrival.js";
import { oneLine } from "../model/commands.js";
import { recall, remember } from "./memory.js";
import { Connection } from "./connection.js";
import { Receipts } from "./receipts.js";

/** Silence after which a line that was said is asked about, and one after which all is. */
const PROVE_AFTER = 3000;
const QUIET_LIMIT = 45_000;
/** An answer that takes longer than this means that the connection is dead. */
const PROOF_LIMIT = 15_000;
/** What the person has just come back to is asked sooner. */
const WAKE_LIMIT = 8000;
/** A timer that is so late was asleep with the page: it says nothing about the other end. */
const ASLEEP = 2000;
/** How often a name that one's own lost connection still holds is tried again, and for how long. */
const NAME_PAUSE = 4000;
const NAME_PATIENCE = 36_000;

const LOST = "Se cortó la conexión con la granja. Lo que escribas se queda aquí.";
const UNREACHABLE = "No logro llegar a la granja. Sigo intentando.";
const NAME_HELD = "Tu conexión anterior todavía guarda tu nombre. Espero a que lo suelte.";
/** The visit is written down this long after something changed, and when the page is left. */
const NOTE_AFTER = 2000;
/** As many entries of the talk are kept for a page that is loaded anew. */
const KEPT = 200;

const NAME_LOST =
  "Alguien más tomó tu nombre mientras no estabas. Elige otro: tus artefactos y lo que escribías siguen aquí.";
const ELSEWHERE = "Entraste desde otro lugar, así que esta ventana se desconectó.";

export class Session {
  #store;
  #commands;
  #connection;
  #arrival = new Arrival();
  #receipts = new Receipts();
  #watch = null;
  #nameTimer = null;
  #nameHeldSince = null; // when one's own name was first found taken, on coming back
  #noting = null; // the timer after which the visit is written down
  #wasRegistered = false; // as what one was inside the last time
  #asked = null; // the question that the server waits on
  #lastError = null; // code of the last refusal at the door
  #parting = null; // the notice that announced the end, if one did

  constructor(store, url, commands) {
    this.#store = store;
    this.#commands = commands;
    this.#connection = new Connection(url, {
      onOpen: () => this.#opened(),
      onMessage: (message) => this.#heard(message),
      onLost: () => this.#lost(),
      onWaiting: () => {},
    });
  }

  /** The name given at the door, or null. */
  get name() {
    return this.#arrival.name;
  }

  // -- coming back ---------------------------------------------------------------------------

  /** Go on where this browser was when the page was left, if it was inside. */
  resume() {
    const visit = recall("visit");
    if (typeof visit?.pass !== "string") return;
    this.#arrival.pass = visit.pass;
    this.#arrival.heard = visit.heard;
    this.#arrival.name = visit.name;
    this.#store.dispatch({ type: "resumed-visit", visit });
    this.#connect();
  }

  /** Write the visit down, for a page that is loaded anew. */
  note() {
    clearTimeout(this.#noting);
    this.#noting = null;
    const { phase, me: name, registered, mine, offers, read, trades, ignored } = this.#store.state;
    const { pass, heard } = this.#arrival;
    if (phase !== "inside" || pass === null) return;
    const log = this.#store.state.log.slice(-KEPT);
    const known = { registered, mine, offers, log, read, trades, ignored };
    remember("visit", { pass, heard, name, ...known });
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

  /** Another window of this browser may have been here since, and have a newer pass. */
  #renewPass() {
    const visit = recall("visit");
    if (visit?.name === this.#arrival.name && visit.pass) this.#arrival.pass = visit.pass;
  }

  /** @returns whether the pass was shown, instead of giving the name. */
  #showPass() {
    this.#renewPass();
    const pass = this.#arrival.takePass();
    if (pass === null) return false;
    this.#asked = null;
    return this.command("registration.come_back", ...pass);
  }

  /** It serves no more: the name is asked as ever.  A page that was loaded anew starts over. */
  #passRefused() {
    remember("visit", null);
    this.#arrival.pass = this.#arrival.heard = null;
    if (this.#arrival.trusted) return;
    this.#arrival.forget();
    this.#store.dispatch({ type: "outside" });
  }

  // -- what the person does ------------------------------------------------------------------

  /** Answer a question of the arrival; connects first if need be. */
  answer(question, value) {
    clearTimeout(this.#nameTimer);
    this.#arrival.learn(question, value);
    this.#store.dispatch({ type: "answered" });
    if (this.#connection.isOpen && this.#asked === question) this.#reply(question);
    else if (!this.#connection.isBusy) this.#connect();
    else this.#connection.retryNow();
  }

  /** "Sí" to the list goes in; "no" asks for the list again. */
  confirm(yes) {
    this.answer("confirm", yes ? "si" : "no");
  }

  /** @returns whether the line was written; if not, keep it in front of the person. */
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

  /** A command of a button, by what it does: not shown as typed. */
  command(deed, ...values) {
    return this.#connection.send(oneLine(this.#commands.line(deed, ...values)));
  }

  sayAgain(id) {
    const entry = this.#store.state.log.find((known) => known.id === id);
    if (entry && this.say(entry.line)) this.#store.dispatch({ type: "repeated", id });
  }

  /** Start over under another name. */
  becomeStranger() {
    clearTimeout(this.#nameTimer);
    this.#connection.close();
    this.#forgetVisit();
    this.#store.dispatch({ type: "outside" });
  }

  /** The person wants to be connected, now. */
  retryNow() {
    if (!this.#connection.isBusy && this.#arrival.name !== null) this.#connect();
    else this.#connection.retryNow();
  }

  /** There is hope again (a network, a page that is looked at): the pause may end. */
  wake() {
    this.#connection.retryNow();
    const { phase, step } = this.#store.state;
    if (phase !== "inside" || step !== null || !this.#connection.isOpen) return;
    if (this.#receipts.probing) this.#awaitProof(WAKE_LIMIT);
    else this.#probe(WAKE_LIMIT);
  }

  /** The browser says that there is no network, which is sooner than silence would. */
  networkGone() {
    this.#connection.drop();
  }

  // -- the connection ------------------------------------------------------------------------

  #connect() {
    this.#store.dispatch({ type: "connecting" });
    this.#connection.open();
  }

  #opened() {
    this.#arrival.begin();
    this.#asked = this.#lastError = this.#parting = null;
    this.#store.dispatch({ type: "connected" });
  }

  #lost() {
    clearTimeout(this.#watch);
    clearTimeout(this.#nameTimer);
    const { phase, registered } = this.#store.state;
    const wasInside = phase === "inside";
    if (wasInside) {
      if (this.#parting === null) this.note();
      this.#rememberHoldings();
      this.#wasRegistered = registered;
    }
    this.#store.dispatch({ type: "doubted", ids: this.#receipts.lost() });
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

  /** Nobody answers at the door: keep what is on the form, and connect when they go on. */
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
    // At the door the lines of the new connection are counted, not those of the visit.
    if (this.#store.state.phase === "inside" && message.n) this.#arrival.heard = message.n;
    if (this.#isProof(message)) return this.#listenOn();
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

  /** @returns whether a remembered answer was given. */
  #reply(question) {
    const line = this.#arrival.answer(question);
    if (line === null) return false;
    this.#asked = null;
    this.#lastError = null;
    if (question === "password") this.#store.dispatch({ type: "known" });
    this.#connection.send(line);
    return true;
  }

  #isOwnGhost() {
    return this.#arrival.trusted && this.#lastError === "NameTaken";
  }

  /** A visitor's name that asks for a password now is somebody else's. */
  #isStolen() {
    return this.#arrival.trusted && !this.#wasRegistered;
  }

  /** Back to the name card, with the artifacts that one held and the talk that one had. */
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

  // -- is the other end there? ---------------------------------------------------------------

  #probeNumber() {
    return this.#store.state.catalog[0].id;
  }

  #isProof(message) {
    const fits = message.type === "artifact" && message.artifact.id === this.#probeNumber();
    return fits && this.#receipts.confirmed();
  }

  /** Something was said or heard: silence begins to count from now. */
  #listenOn() {
    clearTimeout(this.#watch);
    const { phase, step } = this.#store.state;
    if (phase !== "inside" || step !== null) return;
    if (this.#receipts.probing) {
      this.#awaitProof(PROOF_LIMIT);
    } else {
      const silence = this.#receipts.unproved ? PROVE_AFTER : QUIET_LIMIT;
      this.#watch = setTimeout(() => this.#probe(), silence);
    }
  }

  /** Ask for a sign of life, the cheapest question there is, to be answered within the limit. */
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
