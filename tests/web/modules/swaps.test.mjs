// Swaps on the page: what is known of them, and what the page asks by itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState, reduce } from "../../../granja/web/static/js/model/state.js";
import {
  chances,
  either,
  isSought,
  progress,
  sides,
  standing,
} from "../../../granja/web/static/js/model/swaps.js";

const ANCLA = { id: 21, name: "Ancla" };
const DISCO = { id: 12, name: "Disco raro" };
const YELMO = { id: 25, name: "Yelmo enano" };
const AT = 1_700_000_000_000;

const hear = (state, ...messages) =>
  messages.reduce((s, message) => reduce(s, { type: "heard", message, at: AT }), state);

const inside = (...messages) =>
  hear(
    initialState([DISCO, ANCLA, YELMO]),
    { type: "inventory", artifacts: [ANCLA, ANCLA], line: "" },
    { type: "ready", name: "Ana", line: "[SERVER] ¡OK!" },
    ...messages,
  );

const ask = (state, ...about) => reduce(state, { type: "asking-swaps", about });
const CHANCE = { type: "chance", how: "pair", gives: ANCLA, takes: DISCO, line: "[SERVER] …" };
const SEEKS = { type: "seeks", mode: "all", artifacts: [DISCO], line: "[SERVER] Buscas: todo" };
const SWAP = { type: "swap", number: 3, gives: [ANCLA], takes: [DISCO, YELMO], keep: false, line: "…" };
const DONE = {
  type: "swap-done", number: 3, gave: ANCLA, to: "Beto", got: DISCO, from: "Caro",
  artifacts: [ANCLA, DISCO], line: "[SERVER] Cambio #3: …",
};

test("what the page asks by itself is known and is no conversation", () => {
  const before = ask(inside(), "chances", "seeks");
  const after = hear(before, CHANCE, { type: "more-chances", count: 4, line: "…" }, SEEKS);
  assert.equal(after.log.length, before.log.length);
  assert.deepEqual(chances(after), [{ how: "pair", gives: ANCLA, takes: DISCO }]);
  assert.equal(after.swaps.more, 4);
  assert.deepEqual(after.swaps.asked, []);
  const typed = hear(after, CHANCE, SEEKS);
  assert.equal(typed.log.length, before.log.length + 2);
  assert.equal(chances(typed).length, 1);
});

test("that there is nothing to get is an answer, too", () => {
  const none = { type: "error", code: "NoChances", line: "[SERVER] No hay trueques" };
  const before = ask(inside(), "chances", "seeks");
  const after = hear(before, none, SEEKS);
  assert.deepEqual(chances(after), []);
  assert.equal(after.log.length, before.log.length);
  assert.equal(hear(after, none).log.length, before.log.length + 1);
});

test("a refused question is over, and said", () => {
  const after = hear(ask(inside(), "who"), { type: "error", code: "TooFast", line: "[SERVER] Error" });
  assert.deepEqual(after.swaps.asked, []);
  assert.equal(after.log.at(-1).kind, "error");
});

test("a swap stands until a ring has used it up, or it has ended", () => {
  const posted = inside(SWAP);
  assert.deepEqual(standing(posted).map((s) => s.number), [3]);
  assert.deepEqual(posted.reply, { number: 3 });
  const settled = hear(posted, DONE);
  assert.deepEqual(standing(settled), [{ number: 3, gives: [ANCLA], takes: [YELMO], keep: false }]);
  assert.deepEqual(settled.mine, { 21: 1, 12: 1 });
  assert.equal(settled.log.at(-1).kind, "trade");
  assert.deepEqual(settled.swaps.rings.map((ring) => ring.from), ["Caro"]);
  const whole = hear(settled, { ...DONE, got: YELMO, artifacts: [DISCO, YELMO] });
  assert.deepEqual(standing(whole), []);
  const ended = hear(posted, { type: "swap-ended", number: 3, how: "expired", line: "…" });
  assert.deepEqual(standing(ended), []);
});

test("a swap of second copies never gives the last", () => {
  const spares = inside({ ...SWAP, keep: true });
  assert.equal(standing(spares).length, 1);
  const one = hear(spares, { type: "inventory", artifacts: [ANCLA], line: "" });
  assert.deepEqual(standing(one), []);
});

test("a notice is a chance that closes at once, shown once", () => {
  const told = { type: "chance-told", gives: ANCLA, takes: DISCO, line: "…" };
  const state = inside(told, told);
  assert.deepEqual(chances(state), [{ how: "now", gives: ANCLA, takes: DISCO }]);
  const got = hear(state, { type: "inventory", artifacts: [ANCLA, DISCO], line: "" });
  assert.deepEqual(chances(got), []);
});

test("whoever arrives anew has no swaps, and whoever comes back has those of before", () => {
  const lost = reduce(inside(SWAP), { type: "disconnected", link: "waiting", notice: "…" });
  const ready = { type: "ready", name: "Ana", line: "" };
  assert.equal(standing(hear(lost, ready)).length, 0);
  assert.equal(standing(hear(lost, { type: "welcome-back", name: "Ana", line: "" }, ready)).length, 1);
});

test("what is sought is what was typed and is not there yet", () => {
  const state = inside({ ...SEEKS, mode: "list" });
  assert.equal(isSought(state, DISCO), true);
  assert.equal(isSought(state, YELMO), false);
  assert.equal(isSought(hear(state, DONE), DISCO), false);
  assert.equal(isSought(inside(SEEKS), DISCO), false);
});

test("a line of several, and how it is said", () => {
  assert.equal(sides([21, 12], [25]), "21,12 por 25");
  assert.equal(either([ANCLA, DISCO, YELMO]), "Ancla, Disco raro o Yelmo enano");
  assert.equal(either([ANCLA]), "Ancla");
});

test("a collection is whole with one of each", () => {
  const some = inside();
  assert.deepEqual(progress(some), { lit: 1, of: 3, isWhole: false });
  const all = hear(some, { type: "inventory", artifacts: [ANCLA, DISCO, YELMO], line: "" });
  assert.equal(progress(all).isWhole, true);
});
