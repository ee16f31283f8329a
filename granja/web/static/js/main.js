// The page: makes the store, the session and the views, and joins them.

import { Commands } from "./model/commands.js";
import { createStore } from "./model/store.js";
import { initialState, reduce } from "./model/state.js";
import { Session } from "./session/session.js";
import { showAccount } from "./views/account.js";
import { showBanner } from "./views/banner.js";
import { showCalls } from "./views/calls.js";
import { showCollection } from "./views/collection.js";
import { showComposer } from "./views/composer.js";
import { showDoor } from "./views/door.js";
import { showFrame } from "./views/frame.js";
import { showLog } from "./views/log.js";
import { showOffers } from "./views/offers.js";
import { OfferDialog } from "./views/offer-dialog.js";
import { showMilestones } from "./views/milestones.js";
import { showPeople } from "./views/people.js";
import { SwapDialog } from "./views/swap-dialog.js";
import { showSwaps } from "./views/swaps.js";

async function load(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

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

async function start() {
  const [names, contract] = await Promise.all([load("artefactos.json"), load("contract.json")]);
  const commands = new Commands(contract);
  const store = createStore(reduce, initialState(catalogOf(names)));
  const session = new Session(store, webSocketUrl(), commands);
  const page = { store, session, commands };
  page.offerDialog = new OfferDialog(page);
  page.swapDialog = new SwapDialog(page);
  page.composer = showComposer(page);
  const views = [
    showFrame,
    showCalls,
    showBanner,
    showDoor,
    showLog,
    showPeople,
    showOffers,
    showSwaps,
    showCollection,
    showMilestones,
    showAccount,
  ];
  for (const show of views) show(page);
  addEventListener("pagehide", () => session.note());
  session.resume();
  onWaking(() => session.wake());
  addEventListener("offline", () => session.networkGone());
}

start().catch((error) => {
  console.error(error);
  dispatchEvent(new Event("granja-broken"));
});
