// The conversation's pure parts: completion, links, comings and goings, days, addresses.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Commands, linesOf } from "../../../granja/web/static/js/model/commands.js";
import { suggest } from "../../../granja/web/static/js/model/completion.js";
import { dayOf, sayDay, sayWhen } from "../../../granja/web/static/js/model/days.js";
import { pieces } from "../../../granja/web/static/js/model/links.js";
import { list, tell } from "../../../granja/web/static/js/model/moves.js";
import { initialState, reduce } from "../../../granja/web/static/js/model/state.js";

const commands = new Commands(JSON.parse(readFileSync(process.env.CONTRACT)));

const DISCO = { id: 12, name: "Disco raro" };
const ANCLA = { id: 21, name: "Ancla" };
const ANFORA = { id: 5, name: "Ánfora quebrada" };
const AT = new Date(2026, 10, 27, 14, 5).getTime();
const DAY = 86_400_000;

const around = {
  people: ["Ana", "Beto", "Álvaro"],
  me: "Ana",
  catalog: [ANFORA, DISCO, ANCLA],
  mine: { 21: 2 },
  offers: [{ number: 7, who: "Gus", gives: DISCO, takes: ANCLA }],
};

const texts = (before, asked = false) =>
  suggest(before, around, commands, asked).map(({ text }) => text);

test("a command's word is completed from its second letter on, without accents", () => {
  assert.ok(texts(":cat").includes(":catalogo"));
  assert.ok(texts(":CAT").includes(":catalogo"));
  assert.deepEqual(texts(":"), []);
  assert.ok(texts(":", true).length > 0);
});

test("what comes after a command is completed as its table says", () => {
  assert.deepEqual(texts(":p b"), ["Beto"]);
  assert.deepEqual(texts(":p a"), ["Álvaro"]);
  assert.deepEqual(texts(":p Beto a"), []);
  assert.deepEqual(texts(":offer Beto "), ["21"]);
  assert.deepEqual(texts(":offer Beto 21 anf"), ["5"]);
  assert.deepEqual(texts(":offer Beto 21 disco ra"), ["12"]);
  assert.deepEqual(texts(":accept #"), ["7"]);
  assert.deepEqual(texts(":artefacto 1"), ["12"]);
  assert.deepEqual(texts(":quiero a"), []);
});

test("in talk a name is completed only where it is asked for", () => {
  assert.deepEqual(texts("hola be"), []);
  assert.deepEqual(texts("hola be", true), ["Beto"]);
  assert.deepEqual(texts("hola ", true), []);
  const [{ replaces }] = suggest("hola be", around, commands, true);
  assert.equal(replaces, 2);
});

test("what was pasted is a line for each line", () => {
  assert.deepEqual(linesOf("a\r\n b \r\r\n\nc\u2028d\n"), ["a", "b", "c", "d"]);
  assert.deepEqual(linesOf(" \n"), []);
});

const links = (text) => pieces(text).filter(({ href }) => href).map(({ text: shown }) => shown);

test("only http and https addresses are links, without the sentence's own marks", () => {
  assert.deepEqual(links("mira https://a.example/b?c=d#e."), ["https://a.example/b?c=d#e"]);
  assert.deepEqual(links("(https://a.example/x_(y)), ¿no?"), ["https://a.example/x_(y)"]);
  assert.deepEqual(links("http://a.example http://b.example"), [
    "http://a.example",
    "http://b.example",
  ]);
  for (const text of [
    "javascript:alert(1)",
    "ftp://a.example",
    "data:text/html,x",
    "xhttp://a.example",
    "https://",
    "https://banco.example@mal.example/",
    "https://@mal.example/",
    "https://a b",
  ]) assert.deepEqual(links(text), text === "https://a b" ? ["https://a"] : [], text);
});

test("nothing that was said is lost around a link", () => {
  for (const text of ["", "hola", "a https://b.example, c", "https://x.example<b>"])
    assert.equal(pieces(text).map((piece) => piece.text).join(""), text);
});

test("a link that leads elsewhere than one reads says where", () => {
  const [{ host }] = pieces("https://аррӏе.example/");
  assert.match(host, /^xn--/u);
  assert.equal(pieces("HTTPS://Granja.Example/a")[0].host, null);
  assert.equal(pieces("http://0x7f.1/")[0].host, "127.0.0.1");
});

test("comings and goings are one sentence", () => {
  const move = (name, came) => ({ name, came });
  assert.equal(tell([move("Ana", true), move("Inés", true)]), "Ana e Inés entraron.");
  assert.equal(
    tell([move("Ana", true), move("Beto", true), move("Ana", false), move("Gus", false)]),
    "Beto entró. Ana entró y se fue. Gus se fue.",
  );
  const many = ["Ana", "Beto", ...Array.from({ length: 12 }, (_, n) => `P${n}`)];
  assert.equal(tell(many.map((name) => move(name, true))), "Ana, Beto y 12 más entraron.");
  assert.equal(list(["Ana", "Beto", "Caro"]), "Ana, Beto y Caro");
});

test("days are said as one says them", () => {
  assert.equal(sayDay(AT, AT), "Hoy");
  assert.equal(sayDay(AT - DAY, AT), "Ayer");
  assert.equal(sayDay(AT - 3 * DAY, AT), "martes, 24 de noviembre");
  assert.equal(sayDay(AT - 400 * DAY, AT), "23 de octubre de 2025");
  assert.equal(sayWhen(AT, AT), "hoy a las 14:05");
  assert.equal(sayWhen(AT + DAY, AT), "mañana a las 14:05");
  assert.equal(dayOf(AT + DAY) - dayOf(AT), 1);
});

// -- the state -----------------------------------------------------------------------------------

const hear = (state, ...messages) =>
  messages.reduce((s, message) => reduce(s, { type: "heard", message, at: AT }), state);
const inside = (...messages) =>
  hear(initialState([DISCO, ANCLA]), { type: "ready", name: "Ana", line: "" }, ...messages);
const arrived = (name) => ({ type: "arrived", name, line: `[SERVER] Cliente ${name} conectado.` });
const left = (name) => ({ type: "left", name, line: `[SERVER] ${name} desconectado.` });
const said = { type: "said", from: "Gus", text: "hola", line: "" };

const entries = (state) => state.log.slice(1).map(({ text }) => text);

test("who comes right after others stands with them, and who comes after talk does not", () => {
  const state = inside(arrived("Gus"), arrived("Beto"), said, arrived("Caro"));
  assert.deepEqual(entries(state), ["Gus y Beto entraron.", "hola", "Cliente Caro conectado."]);
  assert.equal(new Set(state.log.map(({ id }) => id)).size, state.log.length);
});

test("who comes under a name that has just left may be somebody else", () => {
  const state = inside(left("Gus"), arrived("Gus"));
  assert.deepEqual(entries(state), ["Gus desconectado.", "Cliente Gus conectado."]);
});

test("what comes while nobody looks is below the line, also a joining", () => {
  const away = reduce(inside(arrived("Gus")), { type: "looked-away" });
  assert.equal(away.read, away.log.at(-1).id);
  const state = hear(away, arrived("Beto"), said);
  assert.equal(entries(state).length, 3);
  assert.equal(reduce(state, { type: "looked-away" }).read, away.read);
  const back = reduce(state, { type: "looked-back" });
  assert.equal(back.read, away.read);
  assert.equal(reduce(back, { type: "looked-away" }).read, state.log.at(-1).id);
});

test("a lost line draws it too, for who was looking", () => {
  const lost = (state) => reduce(state, { type: "disconnected", link: "waiting", notice: "…" });
  const state = inside(said);
  assert.equal(lost(state).read, state.log.at(-1).id);
  const away = hear(reduce(inside(), { type: "looked-away" }), said);
  assert.equal(lost(away).read, away.read);
});

test("a trade is remembered with whom it was, from either side", () => {
  const offer = { type: "offer", number: 7, from: "Gus", gives: DISCO, takes: ANCLA, line: "" };
  const sent = { type: "offer-sent", number: 8, to: "Beto", gives: DISCO, takes: ANCLA, line: "" };
  const state = inside(
    offer,
    sent,
    { type: "trade-accepted", number: 7, artifacts: [DISCO], line: "" },
    { type: "trade-done", number: 8, artifacts: [ANCLA], line: "" },
    { type: "meanwhile", number: 3, how: "accepted", from: "Ana", to: "Caro", gives: ANCLA, takes: DISCO, line: "" },
    { type: "meanwhile", number: 4, how: "rejected", from: "Ana", to: "Caro", gives: ANCLA, takes: DISCO, line: "" },
  );
  assert.deepEqual(
    state.trades.map(({ who, gave, got }) => [who, gave.id, got.id]),
    [["Gus", 21, 12], ["Beto", 12, 21], ["Caro", 21, 12]],
  );
});

test("whom one does not hear is known, and asked for without a word", () => {
  const one = inside({ type: "ignored", name: "Gus", line: "" });
  assert.deepEqual(one.ignored, ["Gus"]);
  assert.deepEqual(hear(one, { type: "heard-again", name: "Gus", line: "" }).ignored, []);
  const asked = reduce(one, { type: "hushed-ignored" });
  const told = hear(asked, { type: "ignoring", names: ["Gus", "Beto"], line: "" });
  assert.deepEqual(told.ignored, ["Gus", "Beto"]);
  assert.equal(told.log, asked.log);
  const none = { type: "notice", code: "hears-everybody", line: "[SERVER] Escuchas a todos." };
  assert.deepEqual(hear(told, none).ignored, []);
  assert.equal(hear(told, none).log.length, told.log.length + 1);
});

test("an offer says until when it waits, if that is known", () => {
  const offer = { number: 7, from: "Gus", gives: DISCO, takes: ANCLA, line: "" };
  const listed = inside({ type: "offer-in", ...offer });
  assert.deepEqual(listed.offers[0].since, { at: AT, isExact: false });
  const made = inside({ type: "offer", ...offer }, { type: "offer-in", ...offer });
  assert.deepEqual(made.offers[0].since, { at: AT, isExact: true });
});
