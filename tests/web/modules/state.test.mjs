// The page's state: what each message and each deed changes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Commands } from "../../../granja/web/static/js/model/commands.js";
import { addressee, HISTORY, initialState, reduce } from "../../../granja/web/static/js/model/state.js";

const commands = new Commands(JSON.parse(readFileSync(process.env.CONTRACT)));

const ANCLA = { id: 21, name: "Ancla" };
const DISCO = { id: 12, name: "Disco raro" };
const AT = 1_700_000_000_000;

const hear = (state, ...messages) =>
  messages.reduce((s, message) => reduce(s, { type: "heard", message, at: AT }), state);

const inside = (...messages) =>
  hear(
    initialState([DISCO, ANCLA]),
    { type: "ready", name: "Ana", line: "[SERVER] ¡OK!" },
    ...messages,
  );

const offer = { type: "offer", number: 7, from: "Gus", gives: DISCO, takes: ANCLA, line: "…" };

test("people come in order of arrival, and go", () => {
  const state = inside(
    { type: "here", names: ["Ana", "Beto"], line: "" },
    { type: "arrived", name: "Gus", line: "" },
    { type: "left", name: "Beto", line: "" },
  );
  assert.deepEqual(state.people, ["Ana", "Gus"]);
});

test("what is no longer in the catalog and one has all the same has a place", () => {
  const lost = { id: 5, name: "artefacto n.º 5" };
  const state = inside({ type: "inventory", artifacts: [lost, lost, ANCLA], line: "" });
  assert.deepEqual(state.catalog, [lost, DISCO, ANCLA]);
  assert.deepEqual(state.mine, { 5: 2, 21: 1 });
  const same = hear(state, { type: "inventory", artifacts: [DISCO], line: "" });
  assert.equal(same.catalog, state.catalog);
});

test("an arrival that was also in the list is one person", () => {
  const state = inside(
    { type: "here", names: ["Ana"], line: "" },
    { type: "arrived", name: "Ana", line: "" },
  );
  assert.deepEqual(state.people, ["Ana"]);
});

test("the answer to the page's own question is not conversation", () => {
  const hushed = reduce(inside(), { type: "hushed" });
  const here = { type: "here", names: ["Ana"], line: "[SERVER] Usuarios conectados: Ana" };
  const quiet = hear(hushed, here);
  assert.equal(quiet.log.length, hushed.log.length);
  assert.equal(hear(quiet, here).log.at(-1).text, "Usuarios conectados: Ana");
});

const whispering = () =>
  reduce(inside({ type: "here", names: ["Ana", "Gus"], line: "" }), {
    type: "addressed",
    name: "gus",
  });

test("a whisper mode ends when that farmer leaves, and reaches no stranger of that name", () => {
  assert.deepEqual(addressee(whispering()), { to: "one", name: "Gus" });
  const gone = hear(whispering(), { type: "left", name: "Gus", line: "" });
  assert.deepEqual(addressee(gone), { to: "nobody", name: "Gus" });
  const stranger = hear(gone, { type: "arrived", name: "Gus", line: "" });
  assert.deepEqual(addressee(stranger), { to: "nobody", name: "Gus" });
  assert.equal(addressee(reduce(stranger, { type: "addressed", name: "Gus" })).to, "one");
  assert.equal(addressee(reduce(gone, { type: "addressed", name: null })).to, "all");
});

test("a whisper mode outlives a lost line only if that farmer is there afterwards", () => {
  const lost = reduce(whispering(), { type: "disconnected", link: "waiting", notice: "…" });
  const back = hear(lost, { type: "ready", name: "Ana", line: "" });
  assert.equal(addressee(back).to, "nobody");
  assert.equal(addressee(hear(back, { type: "here", names: ["Gus", "Ana"], line: "" })).to, "one");
  const alone = hear(back, { type: "here", names: ["Ana"], line: "" });
  assert.equal(
    addressee(hear(alone, { type: "arrived", name: "Gus", line: "" })).to,
    "nobody",
  );
});

test("the whispers of one who has left offer no answer", () => {
  const state = inside(
    { type: "whispered", from: "Gus", text: "hola", line: "" },
    { type: "left", name: "Gus", line: "" },
    { type: "whispered", from: "Gus", text: "soy otro", line: "" },
  );
  const whispers = state.log.filter((entry) => entry.kind === "whispered");
  assert.deepEqual(
    whispers.map((entry) => entry.past === true),
    [true, false],
  );
});

test("an offer waits until it ends, however it ends", () => {
  const ends = [
    { type: "offer-ended", number: 7, how: "expired", line: "" },
    { type: "trade-accepted", number: 7, artifacts: [DISCO], line: "" },
    { type: "trade-done", number: 7, artifacts: [DISCO], line: "" },
  ];
  assert.equal(inside(offer).offers.length, 1);
  for (const end of ends) assert.deepEqual(inside(offer, end).offers, []);
});

test("an offer that is listed again is still one", () => {
  assert.equal(inside(offer, { ...offer, type: "offer-in" }).offers.length, 1);
});

test("a trade changes what one holds", () => {
  const state = inside({
    type: "trade-done",
    number: 7,
    artifacts: [DISCO, DISCO, ANCLA],
    line: "",
  });
  assert.deepEqual(state.mine, { 12: 2, 21: 1 });
});

test("a refused answer to an offer frees its buttons", () => {
  const pressed = reduce(inside(offer), { type: "pressed", number: 7 });
  assert.equal(pressed.offers[0].busy, true);
  assert.equal(hear(pressed, { type: "error", line: "[SERVER] Error: no." }).offers[0].busy, false);
});

test("offers are kept where a pass brings one back, and told anew otherwise", () => {
  const lost = reduce(inside(offer), { type: "disconnected", link: "waiting", notice: "…" });
  const ready = { type: "ready", name: "Ana", line: "" };
  assert.equal(lost.me, "Ana");
  assert.deepEqual(hear(lost, ready).offers, []);
  assert.equal(hear(lost, { type: "welcome-back", name: "Ana", line: "" }, ready).offers[0].number, 7);
});

test("a declaration that is taken inside does not forget the offers", () => {
  assert.equal(
    inside(offer, { type: "ready", name: "Ana", line: "[SERVER] ¡OK!" }).offers.length,
    1,
  );
});

test("the history is bounded, and entries keep their identity", () => {
  let state = inside();
  for (let n = 0; n < 3 * HISTORY; n += 1)
    state = hear(state, { type: "said", from: "Gus", text: `${n}` });
  assert.equal(state.log.length, HISTORY);
  assert.equal(new Set(state.log.map((entry) => entry.id)).size, HISTORY);
  assert.equal(state.log.at(-1).text, `${3 * HISTORY - 1}`);
});

test("a password that is typed is kept nowhere", () => {
  const state = reduce(inside(), {
    type: "spoke",
    echo: commands.echoOf(":registrar muy-secreta"),
    line: null,
    at: AT,
  });
  assert.doesNotMatch(JSON.stringify(state), /muy-secreta/);
});

test("no line stands above what one has said oneself", () => {
  const away = reduce(inside(), { type: "looked-away" });
  const back = reduce(away, { type: "looked-back" });
  assert.notEqual(back.read, null);
  const said = reduce(back, { type: "spoke", echo: commands.echoOf("hola"), line: "hola", at: AT });
  assert.equal(said.read, null);
});

test("a line that may be lost is marked, and unmarked when it is said again", () => {
  const said = reduce(inside(), { type: "spoke", echo: commands.echoOf("hola"), line: "hola", at: AT });
  const { id } = said.log.at(-1);
  const doubted = reduce(said, { type: "doubted", ids: [id] });
  assert.equal(doubted.log.at(-1).doubtful, true);
  assert.equal(reduce(doubted, { type: "settled", id }).log.at(-1).doubtful, false);
});

test("a page that is loaded again still doubts what it had not seen arrive", () => {
  const log = ["a", "b", "c"].map((text, at) => ({ id: at + 1, kind: "said", text, at }));
  const visit = { name: "Ana", mine: {}, offers: [], log, unproved: [2] };
  const again = reduce(initialState([]), { type: "resumed-visit", visit });
  assert.deepEqual(again.log.map((entry) => entry.doubtful ?? null), [null, true, null]);
});

test("what another window of the visit said again is no longer doubted", () => {
  const entry = (id, doubtful) => ({ id, kind: "said", text: "hola", at: id, doubtful });
  const here = { ...inside(), log: [entry(1, true), entry(2, true), entry(3, true)] };
  const log = [entry(1, false), entry(2, true), { ...entry(3, false), at: 99 }];
  const after = reduce(here, { type: "seen-elsewhere", log });
  assert.deepEqual(after.log.map((known) => known.doubtful), [false, true, true]);
});

test("a message of a kind that is not known yet is shown as its line", () => {
  const state = inside({ type: "weather", line: "[SERVER] Llueve." });
  assert.equal(state.log.at(-1).text, "Llueve.");
});

test("a message that has no line shows nothing", () => {
  const state = inside();
  assert.equal(hear(state, { type: "pass", pass: "abc", seconds: 120 }), state);
});

test("a refusal at the door stands beside the question", () => {
  const state = hear(initialState([]), {
    type: "error",
    code: "NameTaken",
    line: "[SERVER] Nombre ya en uso.",
  });
  assert.equal(state.doorError, "Nombre ya en uso.");
  assert.equal(reduce(state, { type: "answered" }).doorError, null);
});

test("why one has to wait at the door stands there too, until the answer comes", () => {
  const sentence = "Hay demasiados intentos; espera un momento…";
  const notice = { type: "notice", code: "too-many-tries", sentence, line: `[SERVER] ${sentence}` };
  const waiting = hear(initialState([]), notice);
  assert.equal(waiting.doorError, sentence);
  assert.deepEqual(waiting.log, []);
  assert.equal(hear(waiting, { type: "ready", name: "Ana", line: "[SERVER] ¡OK!" }).doorError, null);
});
