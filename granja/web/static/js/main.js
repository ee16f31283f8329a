// The page: makes the store and the session, shows the door, and then fetches the farm behind it.

import { Commands } from "./model/commands.js";
import { createStore } from "./model/store.js";
import { initialState, reduce } from "./model/state.js";
import { isKept, untilThereIsALine } from "./session/line.js";
import { Session } from "./session/session.js";
import { showBanner } from "./views/banner.js";
import { byId, h, painted } from "./views/dom.js";
import { showDoor } from "./views/door.js";
import { showScene } from "./views/scene.js";

/** What the server wrote into the page. */
const written = (id) => JSON.parse(byId(id).textContent);

const catalogOf = (names) => Object.entries(names).map(([id, name]) => ({ id: Number(id), name }));

function webSocketUrl() {
  const url = new URL("ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** How often the page looks at the clock, and the jump that shows that the machine slept. */
const LOOK = 5000;
const JUMP = 15_000;

/** Call wake when somebody looks at the page again, or when the network or the machine is back. */
function onWaking(wake) {
  const seen = () => document.hidden || wake();
  addEventListener("online", wake);
  addEventListener("focus", seen);
  addEventListener("pageshow", seen);
  document.addEventListener("visibilitychange", seen);
  let last = Date.now();
  setInterval(() => {
    if (Date.now() - last > JUMP) seen();
    last = Date.now();
  }, LOOK);
}

function atTheDoor(page) {
  for (const show of [showScene, showBanner, showDoor]) show(page);
}

/** Files of their own, so that the door comes soon on a slow line; the page says their names. */
async function fetchFarm() {
  const { inside, sheet } = document.documentElement.dataset;
  const [farm] = await Promise.all([import(`./${inside}`), dressed(sheet)]);
  return farm;
}

/** Resolves when the sheet is there. */
const dressed = (href) =>
  new Promise((onload, reject) => {
    const onerror = () => reject(new Error(`${href} did not come`));
    document.head.append(h("link", { rel: "stylesheet", href, onload, onerror }));
  });

async function start() {
  const commands = new Commands(written("contract"));
  const store = createStore(reduce, initialState(catalogOf(written("catalog"))));
  const session = new Session(store, webSocketUrl(), commands, { isCut: isKept() });
  const page = { store, session, commands };
  if (session.canResume) {
    const { showInside } = await fetchFarm();
    atTheDoor(page);
    showInside(page);
    session.resume();
  } else {
    atTheDoor(page);
    if (isKept()) session.retryNow();
    await painted();
    const { showInside } = await fetchFarm();
    showInside(page);
  }
  if (isKept()) onWaking(untilThereIsALine(byId("banner-retry")));
  else onWaking(() => session.wake());
  addEventListener("pagehide", () => session.note());
  addEventListener("offline", () => session.networkGone());
}

start().catch((error) => {
  console.error(error);
  dispatchEvent(new Event("granja-broken"));
});
