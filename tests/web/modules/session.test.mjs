// A session over a line that may hang: what the page notices, and when.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, mock, test } from "node:test";
import { Commands } from "../../../granja/web/static/js/model/commands.js";
import { createStore } from "../../../granja/web/static/js/model/store.js";
import { initialState, reduce } from "../../../granja/web/static/js/model/state.js";
import { Session } from "../../../granja/web/static/js/session/session.js";

const commands = new Commands(JSON.parse(readFileSync(process.env.CONTRACT)));
const lines = []; // every WebSocket that was opened, the newest at the end
const stored = new Map();

class Line {
  static OPEN = 1;
  readyState = 0;
  sent = [];
  constructor() {
    lines.push(this);
  }
  opens() {
    this.readyState = Line.OPEN;
    this.onopen();
  }
  send(text) {
    this.sent.push(text);
  }
  close() {}
  tells(...messages) {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const NAME = { type: "prompt", question: "name" };
const INSIDE = { type: "ready", name: "Ana", n: 1, line: "¡OK!" };
const PASS = { type: "pass", pass: "abc", seconds: 120 };

beforeEach(() => {
  lines.length = 0;
  stored.clear();
  globalThis.WebSocket = Line;
  globalThis.localStorage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
    removeItem: (key) => stored.delete(key),
  };
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
});

function page() {
  const store = createStore(reduce, initialState([{ id: 1, name: "Ancla" }]));
  return { store, session: new Session(store, "ws://granja.example/ws", commands) };
}

function inside() {
  const { store, session } = page();
  session.answer("name", "Ana");
  lines[0].opens();
  lines[0].tells(NAME, INSIDE, PASS);
  return { store, session };
}

const doubts = ({ state }) => state.log.filter((entry) => entry.doubtful).map((e) => e.line);

test("a line that takes everything and gives nothing is noticed 8 s after a look at it", () => {
  const { store, session } = inside();
  session.say("en el túnel");
  session.wake();
  mock.timers.tick(7999);
  assert.equal(store.state.notice, null);
  mock.timers.tick(1);
  assert.match(store.state.notice, /Se cortó la conexión/);
  assert.deepEqual(doubts(store), ["en el túnel"]);
});

test("a line that opens and then hangs at the door is given up after 10 s", () => {
  const { store, session } = inside();
  session.wake();
  mock.timers.tick(8000);
  mock.timers.tick(2000);
  assert.equal(lines.length, 2);
  lines[1].opens();
  mock.timers.tick(10_000);
  lines[1].tells(NAME, INSIDE);
  assert.equal(store.state.phase, "arriving");
  mock.timers.tick(5000);
  lines[2].opens();
  lines[2].tells(NAME);
  mock.timers.tick(10_000);
  mock.timers.tick(10_000);
  lines[3].opens();
  lines[3].tells(NAME, INSIDE);
  assert.equal(store.state.notice, null);
  assert.equal(store.state.log.filter((entry) => /Volviste/.test(entry.text)).length, 1);
});

test("nobody is hurried: not the person at the door, and not a server that said it waits", () => {
  const { store, session } = page();
  session.answer("name", "Ana");
  lines[0].opens();
  lines[0].tells(NAME, { type: "prompt", question: "password" });
  mock.timers.tick(60_000);
  session.answer("password", "muy-secreta");
  lines[0].tells({ type: "notice", code: "too-many-tries", line: "[SERVER] Hay demasiados" });
  mock.timers.tick(70_000);
  lines[0].tells(INSIDE);
  assert.equal(store.state.phase, "inside");
  assert.equal(lines.length, 1);
});

test("a doubt that the person takes away does not come back with the page, and sends nothing", () => {
  const { session } = inside();
  session.say("quizá");
  session.note();
  const again = page();
  again.session.resume();
  const [{ id }] = again.store.state.log.filter((entry) => entry.doubtful);
  again.session.settle(id);
  assert.deepEqual(doubts(again.store), []);
  const meanwhile = page();
  meanwhile.session.resume();
  assert.deepEqual(doubts(meanwhile.store), []);
  lines[1].opens();
  lines[1].tells(NAME, INSIDE, PASS);
  assert.equal(lines[1].sent.filter((line) => line === "quizá").length, 0);
  const third = page();
  third.session.resume();
  assert.deepEqual(doubts(third.store), []);
});

test("a page that is loaded again doubts as before, until the line was said again", () => {
  const { session } = inside();
  session.say("quizá");
  session.note();
  const again = page();
  again.session.resume();
  assert.deepEqual(doubts(again.store), ["quizá"]);
  const [{ id }] = again.store.state.log.filter((entry) => entry.doubtful);
  assert.equal(again.session.sayAgain(id), false);
  lines[1].opens();
  lines[1].tells(NAME, INSIDE, PASS);
  assert.equal(again.session.sayAgain(id), true);
  assert.equal(lines[1].sent.filter((line) => line === "quizá").length, 1);
  mock.timers.tick(3000);
  lines[1].tells({ type: "artifact", artifact: { id: 1, name: "Ancla" } });
  again.session.note();
  const third = page();
  third.session.resume();
  assert.deepEqual(doubts(third.store), []);
});
