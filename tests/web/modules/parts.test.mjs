// The page's small pure parts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Arrival } from "../../../granja/web/static/js/session/arrival.js";
import { Commands, lengthOf, oneLine } from "../../../granja/web/static/js/model/commands.js";
import { pauseBefore } from "../../../granja/web/static/js/session/connection.js";
import { addCopy, parseList, removeCopy, spellList } from "../../../granja/web/static/js/model/counts.js";
import { mentions } from "../../../granja/web/static/js/model/names.js";
import { hasPicture, slug } from "../../../granja/web/static/js/model/pictures.js";
import { Receipts } from "../../../granja/web/static/js/session/receipts.js";
import { fits } from "../../../granja/web/static/js/model/search.js";

const commands = new Commands(JSON.parse(readFileSync(process.env.CONTRACT)));

const CATALOG = [6, 13, 14].map((id) => ({ id, name: `n.º ${id}` }));

test("what is a command is what the wire contract says", () => {
  for (const line of [":q", ":u", ":?", ":p Ana hola", ":ARTEFACTOS", ":quiero", ":éxito"]) {
    assert.notEqual(commands.wordOf(line), null, line);
  }
  for (const line of [
    "hola",
    ":)",
    ":q!",
    ":D",
    ":P",
    ":3",
    ":v",
    ": hola",
    ":Q",
    "hola :q",
    ":ab1",
  ]) {
    assert.equal(commands.wordOf(line), null, line);
  }
});

test("one's own line looks as the others see it", () => {
  assert.deepEqual(commands.echoOf(":LARVA"), { kind: "said", text: "¡Larva! (:o)OOOooo" });
  assert.deepEqual(commands.echoOf(":p  Ana   hola, ¿qué tal?"), {
    kind: "whispered",
    to: "Ana",
    text: "hola, ¿qué tal?",
  });
  assert.deepEqual(commands.echoOf(":) hola"), { kind: "said", text: ":) hola" });
  assert.equal(commands.echoOf(":p Ana").kind, "typed");
  assert.deepEqual(commands.echoOf(":yo baila"), { kind: "action", text: "baila" });
});

test("a password is shown nowhere, also where a slip makes it talk", () => {
  for (const line of [":CLAVE secreta", ":clave: secreta", "::registrar secreta", "¡Clave, secreta"]) {
    assert.ok(commands.isSecret(line), line);
    assert.doesNotMatch(commands.echoOf(line).text, /secreta/);
  }
  for (const line of ["clave secreta", ":claves", "la :clave", ":) clave"])
    assert.ok(!commands.isSecret(line), line);
});

test("lengths are counted as the server counts: code points, accents composed", () => {
  assert.equal(lengthOf("cafe\u0301"), 4);
  assert.equal(lengthOf("🌾"), 1);
  assert.equal(commands.faultOfPassword("🌾".repeat(8)), null);
  assert.equal(commands.faultOfPassword("e\u0301".repeat(128)), null);
  assert.equal(commands.faultOfPassword(" 1234567 ").count, 7);
  assert.deepEqual(commands.faultOfPassword("x".repeat(129)), { count: 129, least: 8, most: 128 });
  assert.equal(commands.faultOfName(` ${"ñ".normalize("NFD").repeat(20)} `), null);
  assert.deepEqual(commands.faultOfName("a".repeat(21)), { count: 21, most: 20 });
});

test("a line is spelled by what it does", () => {
  assert.equal(commands.line("trade.offer", "Gus", 6, 13), ":offer Gus 6 13");
  assert.equal(commands.line("talk.leave"), ":q");
  assert.equal(commands.about(":larva"), "Suelta una larva");
});

test("what is pasted in many lines is one line", () => {
  assert.equal(oneLine(" uno\r\n:q\u2028dos \n"), "uno :q dos");
});

test("a list is counted, spelled and read again", () => {
  const counts = addCopy(addCopy(addCopy({}, 13), 6), 13);
  assert.equal(spellList(counts), "6, 13, 13");
  assert.deepEqual(parseList("6; 13 13", CATALOG), counts);
  assert.deepEqual(removeCopy(removeCopy(counts, 13), 13), { 6: 1 });
  assert.deepEqual(removeCopy({}, 13), {});
  assert.equal(spellList({}), "ninguno");
  assert.deepEqual(parseList("Ninguno", CATALOG), {});
  assert.deepEqual(parseList("  ", CATALOG), {});
  for (const wrong of ["999", "seis", "6, x", "06", "-6"])
    assert.equal(parseList(wrong, CATALOG), null, wrong);
});

test("a line is sure when the answer to a later question has come", () => {
  const receipts = new Receipts();
  receipts.sent(1);
  receipts.probed();
  receipts.sent(2);
  assert.equal(receipts.confirmed(), true);
  assert.deepEqual(receipts.lost(), [2]);
  assert.equal(receipts.confirmed(), false);
});

test("nothing is asked while a question is open, nor after the last was answered", () => {
  const receipts = new Receipts();
  assert.equal(receipts.owesProbe, false);
  receipts.sent(1);
  assert.equal(receipts.owesProbe, true);
  receipts.probed();
  assert.equal(receipts.owesProbe, false);
  assert.equal(receipts.probing, true);
  receipts.confirmed();
  assert.equal(receipts.probing, false);
});

test("pauses grow, have a bound, and are not the same for everybody", () => {
  const pauses = [0, 1, 2, 3, 4, 5, 20].map((attempt) => pauseBefore(attempt, () => 0.5));
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(
    pauseBefore(2, () => 0),
    3000,
  );
  assert.ok(pauseBefore(2, () => 0.999) < 5001);
});

test("a stranger is asked everything", () => {
  const arrival = new Arrival();
  for (const question of ["name", "password", "artifacts", "confirm"])
    assert.equal(arrival.answer(question), null);
});

test("who was inside comes back with what they last held", () => {
  const arrival = new Arrival();
  arrival.learn("name", "ana");
  arrival.entered("Ana");
  arrival.artifacts = { 13: 2 };
  arrival.begin();
  assert.deepEqual(
    ["name", "artifacts", "confirm"].map((q) => arrival.answer(q)),
    ["Ana", "13, 13", "si"],
  );
});

test("an answer that was refused is not given twice", () => {
  const arrival = new Arrival();
  arrival.learn("name", "admin");
  assert.equal(arrival.answer("name"), "admin");
  assert.equal(arrival.answer("name"), null);
});

test("a new list is confirmed by the person, also by one who was inside", () => {
  const arrival = new Arrival();
  arrival.entered("Ana");
  arrival.learn("artifacts", { 6: 1 });
  assert.equal(arrival.answer("artifacts"), "6");
  assert.equal(arrival.answer("confirm"), null);
});

test("a password is used once and forgotten", () => {
  const arrival = new Arrival();
  arrival.learn("password", "secreta");
  assert.equal(arrival.answer("password"), "secreta");
  arrival.begin();
  assert.equal(arrival.answer("password"), null);
  assert.doesNotMatch(JSON.stringify(arrival), /secreta/);
});

test("an artifact is found by any part of its name, with or without accents, or its number", () => {
  const artifact = { id: 5, name: "Ánfora quebrada" };
  for (const typed of ["anfora", "ÁNFORA", "quebra", "5", ""])
    assert.ok(fits(artifact, typed), typed);
  for (const typed of ["ancla", "55"]) assert.ok(!fits(artifact, typed), typed);
});

test("a name is called where it stands as a word of its own", () => {
  for (const text of ["Ana", "hola, ana!", "¿ANA?", "mañana, Ana", "@Ana: ven", "Anabel y Ana"])
    assert.ok(mentions(text, "Ana"), text);
  for (const text of ["mañana", "Anabel", "banana", "ana_2", "an a", ""])
    assert.ok(!mentions(text, "Ana"), text);
  assert.ok(mentions("hola jose\u0301", "José"));
  assert.ok(!mentions("hola", null));
});

test("a picture goes by the name, not by the number", () => {
  assert.equal(slug("Muñeco extraño (verde)"), "muneco-extrano-verde");
  assert.ok(hasPicture("Trilobites"));
  assert.ok(!hasPicture("Piedra lunar"));
});
