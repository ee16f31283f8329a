// Calls the person back when they look elsewhere: with the title, the badges and, if the person
// wants it, a notification and a quiet sound.

import { byId, isNarrow } from "./dom.js";
import { mentions } from "../model/names.js";
import { chime } from "./chime.js";
import { addressOf, addressToWhisper } from "./places.js";
import { settings } from "../session/settings.js";

/** What the page counts, and the title's word for it.  The title says the one of lowest rank. */
const CALLS = {
  trade: { rank: 0, word: "Intercambio" },
  whisper: { rank: 1, word: "Susurro" },
  talk: { rank: 2, word: null },
};

const KINDS = {
  proposal: CALLS.trade,
  trade: CALLS.trade,
  whispered: CALLS.whisper,
  said: CALLS.talk,
  action: CALLS.talk,
};

const isMuted = ({ own, from }) => own || (from !== undefined && settings.isMuted(from));
const callOf = (entry) => (isMuted(entry) ? undefined : KINDS[entry.kind]);

/**
 * The notification's text, and the address of its place on the page; or null.  It says who, but
 * never the whisper: others may see the screen.
 */
function callFor(entry, me) {
  const { kind, from } = entry;
  if (kind === "proposal") return [`${from} te ofrece un intercambio.`, addressOf("offers")];
  if (kind === "trade") return ["Se hizo un intercambio tuyo.", addressOf("collection")];
  if (kind === "whispered") return [`${from} te susurra.`, addressToWhisper(from)];
  return mentions(entry.text, me) ? [`${from} te nombra.`, addressOf("talk")] : null;
}

const isTalkShown = () => !isNarrow() || document.body.dataset.tab === "talk";
const isSeen = () => !document.hidden && isTalkShown();

export function showCalls(page) {
  let unread = [];
  const show = () => {
    const first = Object.values(CALLS).find((call) => unread.includes(call));
    const word = first?.word ? `${first.word} · ` : "";
    document.title = unread.length > 0 ? `(${unread.length}) ${word}Granja` : "Granja";
    page.badge("talk", unread.length, "sin leer");
    markIcons(unread.length);
  };
  /** The person can see the talk now, or no longer. */
  page.looks = () => {
    page.store.dispatch({ type: isSeen() ? "looked-back" : "looked-away" });
    if (!isSeen() || unread.length === 0) return;
    unread = [];
    show();
  };
  document.addEventListener("visibilitychange", page.looks);
  page.store.subscribe(({ log, me, phase }, before) => {
    if (log === before.log || phase === "door") return;
    const last = before.log.at(-1)?.id ?? 0;
    const fresh = log.filter((entry) => entry.id > last && callOf(entry));
    if (fresh.length === 0) return;
    if (document.hidden || !document.hasFocus()) call(page, fresh, me);
    if (isSeen()) return;
    unread = unread.concat(fresh.map(callOf));
    show();
  });
  navigator.serviceWorker?.addEventListener("message", ({ data }) => page.goToAddress(data.address));
  page.looks();
}

/** Mark the page's icon, and the installed page's icon when the system can show a number there. */
function markIcons(count) {
  const icon = byId("icon");
  const plain = (icon.dataset.plain ??= icon.getAttribute("href"));
  icon.setAttribute("href", count > 0 ? byId("icon-calls").getAttribute("href") : plain);
  if (count > 0) navigator.setAppBadge?.(count).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}

function call(page, fresh, me) {
  const calls = fresh.map((entry) => callFor(entry, me)).filter(Boolean);
  if (calls.length === 0) return;
  if (settings.has("sound")) chime();
  if (settings.has("notifications")) notify(page, ...calls.at(-1));
}

/** Show a notification.  Each one takes the place of the one before. */
async function notify(page, body, address) {
  if (globalThis.Notification?.permission !== "granted") return;
  const icon = byId("icon").dataset.plain;
  const options = { body, tag: "granja", icon, lang: "es", data: { address } };
  const registration = await navigator.serviceWorker?.getRegistration();
  if (registration?.active) registration.active.postMessage({ title: "Granja", options });
  else showOne(page, options);
}

/** Without a worker the page itself hears the press. */
function showOne(page, options) {
  const shown = new Notification("Granja", options);
  shown.onclick = () => {
    focus();
    page.goToAddress(options.data.address);
    shown.close();
  };
}
