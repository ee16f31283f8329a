// Everything the page knows, and how each event changes it.  Pure: no DOM, no clock, no socket.
//
// An event is {type: "heard", message, at} for what the server says (see docs/protocol.md), or one
// of the ACTIONS below for what the person or the connection does.

import { countArtifacts } from "./counts.js";
import { dayOf } from "./days.js";
import { tell } from "./moves.js";
import { sameName } from "./names.js";
import { asking, heardOfSwaps, isAnswer, noSwaps, onNewLine } from "./swaps.js";

/** How many entries of the talk, and how many past trades of the person, the state keeps. */
export const HISTORY = 400;
const TRADES = 50;
/** How many arrivals and departures one entry may hold. */
const MOVES = 200;

export function initialState(catalog) {
  return {
    catalog, // [{id, name}]
    phase: "door", // "door" | "arriving" | "inside"
    step: "name", // the question that the person has to answer: name, password, artifacts, confirm
    doorError: null,
    link: "idle", // "idle" | "connecting" | "open" | "waiting"
    notice: null, // a sentence about the connection, or null
    me: null,
    registered: false,
    wasRegistered: false, // whether registered before the connection was lost
    mine: {}, // copies by artifact number; at "confirm", the proposed ones
    people: [],
    whisper: null, // the only one who gets the lines: {name, gone}; one who is gone gets nothing
    offers: [], // {number, way: "in" | "out", who, gives, takes, busy, since: {at, isExact}}
    swaps: noSwaps,
    log: [],
    nextEntry: 1,
    read: null, // the last entry seen before the person looked away; a line stands below it
    isAway: false, // whether nobody looks at the talk
    trades: [], // {number, who, gave, got, at}, the newest at the end
    ignored: [], // names that the person ignores
    hushIgnored: 0, // as hush, for the list of ignored names
    isBack: false, // a pass brought the person back; what it does not repeat has not changed
    hush: 0, // how many answers the page will not show, because it asked by itself
    reply: null, // {number} or {error} to the offer form
    account: null, // {done} or {error} to the password form
  };
}

// -- the talk --------------------------------------------------------------------------------

function say(state, entry) {
  const log = [...state.log, { id: state.nextEntry, ...entry }];
  return {
    ...state,
    log: log.length > HISTORY ? log.slice(-HISTORY) : log,
    nextEntry: state.nextEntry + 1,
  };
}

const spoken = (line) => line.replace(/^\[SERVER\] /u, "");

function server(state, message, at, tone = "server") {
  return say(state, { kind: tone, text: spoken(message.line), at });
}

/**
 * Somebody came or left.  One entry holds those who move right after others.  A name that comes
 * after it has left gets a new entry: it may be somebody else.
 */
function moved(state, message, at, came) {
  const last = state.log.at(-1);
  const move = { name: message.name, came };
  const isOn = last?.moves && last.moves.length < MOVES && last.id !== state.read;
  const isKnown = came && last?.moves?.some(({ name }) => name === message.name);
  if (!isOn || isKnown || dayOf(last.at) !== dayOf(at)) {
    const kind = came ? "coming" : "going";
    return say(state, { kind, text: spoken(message.line), at, moves: [move] });
  }
  const moves = [...last.moves, move];
  const entry = { ...last, kind: "moves", text: tell(moves), at, moves };
  return { ...state, log: [...state.log.slice(0, -1), entry] };
}

// -- offers ----------------------------------------------------------------------------------

/** @param isNew whether somebody made it just now; an offer from a list may be older. */
function keepOffer(state, way, message, at, isNew) {
  const { number, gives, takes } = message;
  const known = state.offers.find((offer) => offer.number === number);
  const since = known?.since ?? { at, isExact: isNew };
  const offer = { number, way, who: message.from ?? message.to, gives, takes, busy: false, since };
  const others = state.offers.filter((known) => known.number !== number);
  return { ...state, offers: [...others, offer].sort((a, b) => a.number - b.number) };
}

function dropOffer(state, number) {
  return { ...state, offers: state.offers.filter((offer) => offer.number !== number) };
}

/** An artifact that the operator took out of the catalog may still be somebody's: keep its place.
*/
function hold(state, artifacts) {
  const places = new Map(state.catalog.map((artifact) => [artifact.id, artifact]));
  for (const { id, name } of artifacts) if (!places.has(id)) places.set(id, { id, name });
  const isAsBefore = places.size === state.catalog.length;
  const catalog = isAsBefore ? state.catalog : [...places.values()].sort((a, b) => a.id - b.id);
  return { ...state, catalog, mine: countArtifacts(artifacts) };
}

function traded(state, message, at) {
  const offer = state.offers.find(({ number }) => number === message.number);
  const known = offer ? withTrade(state, tradeOf(offer, at)) : state;
  const after = hold(dropOffer(known, message.number), message.artifacts);
  return server(after, message, at, "trade");
}

function tradeOf({ number, way, who, gives, takes }, at) {
  const [gave, got] = way === "in" ? [takes, gives] : [gives, takes];
  return { number, who, gave, got, at };
}

function withTrade(state, trade) {
  return { ...state, trades: [...state.trades, trade].slice(-TRADES) };
}

/** What happened to an offer while the person was away. */
function meanwhile(state, message, at) {
  const { how, number, to, gives, takes } = message;
  const trade = { number, who: to, gave: gives, got: takes, at };
  return server(how === "accepted" ? withTrade(state, trade) : state, message, at, "offer");
}

// -- whispers --------------------------------------------------------------------------------

/** The name in the list that belongs to the same farmer, or undefined. */
const among = (people, name) => people.find((known) => sameName(known, name));

/** A farmer who left stays gone, even when that name comes again: it may be somebody else. */
function stillHere(whisper, people) {
  if (whisper === null || whisper.gone || among(people, whisper.name)) return whisper;
  return { ...whisper, gone: true };
}

/** Whether the entry is a whisper from or to this farmer. */
function isWith(entry, name) {
  return entry.kind === "whispered" && sameName(entry.own ? entry.to : entry.from, name);
}

/** Who gets typed lines: {to: "all"}, {to: "one", name} or {to: "nobody", name}. */
export function addressee({ whisper, people }) {
  if (whisper === null) return { to: "all" };
  const isReached = !whisper.gone && among(people, whisper.name) !== undefined;
  return { to: isReached ? "one" : "nobody", name: whisper.name };
}

// -- what the server says --------------------------------------------------------------------

/** Notices that say why the person does not get in, or not yet. */
const AT_THE_DOOR = new Set(["too-many-tries", "network-full", "farm-full"]);

const HEARD = {
  said: (state, m, at) => say(state, { kind: "said", from: m.from, text: m.text, at }),
  action: (state, m, at) => say(state, { kind: "action", from: m.from, text: m.text, at }),
  whispered: (state, m, at) => say(state, { kind: "whispered", from: m.from, text: m.text, at }),

  arrived(state, m, at) {
    const people = state.people.filter((name) => name !== m.name);
    return moved({ ...state, people: [...people, m.name] }, m, at, true);
  },
  left(state, m, at) {
    const people = state.people.filter((name) => name !== m.name);
    const log = state.log.map((entry) => (isWith(entry, m.name) ? { ...entry, past: true } : entry));
    const after = { ...state, people, log, whisper: stillHere(state.whisper, people) };
    return moved(after, m, at, false);
  },
  here(state, m, at) {
    const after = { ...state, people: m.names, whisper: stillHere(state.whisper, m.names) };
    return state.hush > 0 ? { ...after, hush: state.hush - 1 } : server(after, m, at);
  },

  "welcome-back": (state) => ({ ...state, isBack: true, registered: state.wasRegistered }),
  prompt: (state) => state, // the session answers, or asks the person
  welcome: (state) => state,
  ready(state, m, at) {
    if (state.phase === "inside") return server({ ...state, step: null, doorError: null }, m, at);
    const text = `${state.me ? "Volviste" : "Entraste"} a la granja, ${m.name}.`;
    const after = {
      ...state,
      phase: "inside",
      step: null,
      doorError: null,
      notice: null,
      me: m.name,
      offers: state.isBack ? state.offers.map((o) => ({ ...o, busy: false })) : [],
      isBack: false,
    };
    return say(after, { kind: "coming", text, at });
  },

  inventory(state, m, at) {
    const after = hold(state, m.artifacts);
    return state.phase === "inside" && state.step === null ? server(after, m, at) : after;
  },
  registered: (state, m, at) =>
    server({ ...state, registered: true, account: { done: spoken(m.line) } }, m, at),
  notice(state, m, at) {
    if (AT_THE_DOOR.has(m.code)) return { ...state, doorError: spoken(m.line) };
    if (m.code === "hears-everybody") return ignoring({ ...state, ignored: [] }, m, at);
    const account = m.code === "password-changed" ? { done: spoken(m.line) } : state.account;
    return server({ ...state, account }, m, at);
  },

  ignored: (state, m, at) =>
    server({ ...state, ignored: [...without(state.ignored, m.name), m.name] }, m, at),
  "heard-again": (state, m, at) =>
    server({ ...state, ignored: without(state.ignored, m.name) }, m, at),
  ignoring: (state, m, at) => ignoring({ ...state, ignored: m.names }, m, at),

  offer: (state, m, at) => say(keepOffer(state, "in", m, at, true), offerEntry(m, at)),
  "offer-sent": (state, m, at) =>
    server({ ...keepOffer(state, "out", m, at, true), reply: { number: m.number } }, m, at, "offer"),
  "offer-in": (state, m, at) => server(keepOffer(state, "in", m, at, false), m, at),
  "offer-out": (state, m, at) => server(keepOffer(state, "out", m, at, false), m, at),
  "offer-ended": (state, m, at) => server(dropOffer(state, m.number), m, at, "offer"),
  swap: (state, m, at) =>
    server({ ...state, reply: { number: m.number } }, m, at, "offer"),
  "swap-done": (state, m, at) => server(hold(state, m.artifacts), m, at, "trade"),
  "swap-ended": (state, m, at) => server(state, m, at, "offer"),
  "chance-told": (state, m, at) => server(state, m, at, "offer"),
  "meanwhile-swap": (state, m, at) => server(state, m, at, "offer"),

  "trade-accepted": traded,
  "trade-done": traded,

  meanwhile,
  "meanwhile-more": (state, m, at) => server(state, m, at, "offer"),
  motd: (state, m, at) => server(state, m, at, "motd"),
  error(state, m, at) {
    const sentence = spoken(m.line);
    if (state.phase !== "inside") return { ...state, doorError: sentence };
    const offers = state.offers.map((o) => (o.busy ? { ...o, busy: false } : o));
    const after = {
      ...state,
      offers,
      reply: { error: sentence },
      account: { error: sentence },
      doorError: state.step === null ? null : sentence,
    };
    return server(after, m, at, "error");
  },
};

const without = (names, name) => names.filter((known) => !sameName(known, name));

/** The list of ignored names.  Sometimes the page asks for it by itself. */
function ignoring(state, message, at) {
  if (state.hushIgnored === 0) return server(state, message, at);
  return { ...state, hushIgnored: state.hushIgnored - 1 };
}

function offerEntry(m, at) {
  const { number, from, gives, takes } = m;
  return { kind: "proposal", number, from, gives, takes, text: spoken(m.line), at };
}

/** Note that the person has seen everything. */
function readAll(state) {
  return state.isAway ? state : { ...state, read: state.log.at(-1)?.id ?? null };
}

function heard(state, { message, at }) {
  const change = HEARD[message.type] ?? unknown;
  const swaps = heardOfSwaps(state, message);
  const after = swaps === state.swaps ? state : { ...state, swaps };
  return isAnswer(state.swaps, message) ? after : change(after, message, at);
}

/** A kind of message that this page does not know: it shows the line, if there is one. */
function unknown(state, message, at) {
  return typeof message.line === "string" ? server(state, message, at) : state;
}

// -- what the person and the connection do ---------------------------------------------------

/** The same entries; those with these identities may not have arrived. */
const doubt = (log, ids) => log.map((e) => (ids.includes(e.id) ? { ...e, doubtful: true } : e));

/** Tells an entry from those that another window of the visit wrote later. */
const placeOf = ({ id, at }) => `${id} ${at}`;

const ACTIONS = {
  heard,

  /**
   * The person typed a line, and the page sent it: {echo, line, at}; line is null for a secret.
   * The entry's identity is the state.nextEntry of before.  Who speaks has read what is above.
   */
  spoke(state, { echo, line, at }) {
    return { ...say(state, { ...echo, from: state.me, own: true, line, at }), read: null };
  },
  /** The person's lines {ids} may not have arrived. */
  doubted: (state, { ids }) => (ids.length > 0 ? { ...state, log: doubt(state.log, ids) } : state),
  /** The person said the doubtful line {id} again, or does not want to. */
  settled(state, { id }) {
    return { ...state, log: state.log.map((e) => (e.id === id ? { ...e, doubtful: false } : e)) };
  },
  /** Another window of this visit has shown this {log}, and may have settled doubtful lines. */
  "seen-elsewhere"(state, { log }) {
    const sure = new Set(log.filter((e) => e.doubtful === false).map(placeOf));
    const isSure = (e) => e.doubtful && sure.has(placeOf(e));
    const after = state.log.map((e) => (isSure(e) ? { ...e, doubtful: false } : e));
    return state.log.some(isSure) ? { ...state, log: after } : state;
  },

  /** From now on, typed lines go to this farmer alone, or to everybody: {name or null}. */
  addressed(state, { name }) {
    if (name === null) return { ...state, whisper: null };
    const known = among(state.people, name);
    return { ...state, whisper: { name: known ?? name, gone: known === undefined } };
  },

  /** The page was loaded again during a visit: visit is what it kept of its state. */
  "resumed-visit"(state, { visit }) {
    const { name, registered, mine, offers, read = null, trades = [], ignored = [] } = visit;
    const log = doubt(visit.log, visit.unproved ?? []);
    const nextEntry = Math.max(0, ...log.map((entry) => entry.id)) + 1;
    const known = { mine, offers, log, nextEntry, trades, ignored };
    const arriving = { phase: "arriving", step: null, me: name, wasRegistered: registered };
    return { ...state, ...known, ...arriving, read: read ?? log.at(-1)?.id ?? null };
  },
  /** The person looks away.  What comes now is new to them. */
  "looked-away": (state) => (state.isAway ? state : { ...readAll(state), isAway: true }),
  "looked-back": (state) => (state.isAway ? { ...state, isAway: false } : state),
  /** The page was loaded again during a whisper.  It does not know whether that farmer is here. */
  resumed: (state, { name }) => ({ ...state, whisper: { name, gone: false } }),

  /** The page asked who is here by itself.  The talk does not show the answer. */
  hushed: (state) => ({ ...state, hush: state.hush + 1 }),
  /** The same for the list of ignored names. */
  "hushed-ignored": (state) => ({ ...state, hushIgnored: state.hushIgnored + 1 }),
  /** The page asks the person: {step, error?}. */
  asking(state, { step, error }) {
    const phase = state.phase === "inside" ? "inside" : "arriving";
    return { ...state, phase, step, doorError: error ?? state.doorError };
  },
  /** The person answered, so the earlier error goes. */
  answered: (state) => ({ ...state, doorError: null }),

  /** The page itself refused an answer at the door: {error}. */
  refused: (state, { error }) => ({ ...state, doorError: error }),

  /** The page asked about swaps by itself: {about}.  The talk does not show the answer. */
  "asking-swaps": (state, { about }) => ({ ...state, swaps: asking(state.swaps, about) }),
  /** The page could not send that question. */
  "forgot-swaps": (state) => ({ ...state, swaps: onNewLine(state.swaps) }),

  connecting: (state) => ({ ...state, link: "connecting" }),
  connected(state) {
    const wasRegistered = state.registered || state.wasRegistered;
    return { ...state, link: "open", hush: 0, hushIgnored: 0, isBack: false, registered: false, wasRegistered };
  },
  /** The connection ended: {link, notice}.  The list of people comes again after the arrival. */
  disconnected(state, { link, notice }) {
    const phase = state.phase === "inside" ? "arriving" : state.phase;
    const before = state.phase === "inside" ? readAll(state) : state;
    return { ...before, phase, link, notice, people: [], reply: null, account: null };
  },
  /** A sentence about the connection: {notice}. */
  noticed: (state, { notice }) => ({ ...state, notice }),
  /** A password was right, so the name is registered. */
  known: (state) => ({ ...state, registered: true }),

  /** The person pressed an offer's button: {number}. */
  pressed(state, { number }) {
    const offers = state.offers.map((o) => (o.number === number ? { ...o, busy: true } : o));
    return { ...state, offers };
  },
  /** A form opens again.  Earlier replies do not belong to it. */
  opened: (state) => ({ ...state, reply: null, account: null }),
  /** The person is at the first question again, as a stranger: {error?}. */
  outside(state, { error, notice }) {
    const fresh = initialState(state.catalog);
    return { ...fresh, isAway: state.isAway, doorError: error ?? null, notice: notice ?? null };
  },
};

export function reduce(state, event) {
  return ACTIONS[event.type](state, event);
}
