// Calls the person back when they look elsewhere: with the title, the badges and, if the person
// wants it, a notification and a quiet sound.

import { byId, isNarrow } from "./dom.js";
import { mentions } from "../model/names.js";
import { chime } from "./chime.js";
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

const callOf = (entry) => (entry.own ? undefined : KINDS[entry.kind]);

/** The notification's text.  It says who, but never the whisper: others may see the screen. */
function sentenceFor(entry, me) {
  if (entry.kind === "proposal") return `${entry.from} te ofrece un intercambio.`;
  if (entry.kind === "trade") return "Se hizo un intercambio tuyo.";
  if (entry.kind === "whispered") return `${entry.from} te susurra.`;
  return mentions(entry.text, me) ? `${entry.from} te nombra.` : null;
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
    if (document.hidden || !document.hasFocus()) call(fresh, me);
    if (isSeen()) return;
    unread = unread.concat(fresh.map(callOf));
    show();
  });
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

function call(fresh, me) {
  const sentences = fresh.map((entry) => sentenceFor(entry, me)).filter(Boolean);
  if (sentences.length === 0) return;
  if (settings.has("sound")) chime();
  if (settings.has("notifications")) notify(sentences.at(-1));
}

/** Show a notification.  Each one takes the place of the one before. */
async function notify(body) {
  if (globalThis.Notification?.permission !== "granted") return;
  const options = { body, tag: "granja", icon: byId("icon").dataset.plain, lang: "es" };
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker) await worker.showNotification("Granja", options);
  else showOne(options);
}

function showOne(options) {
  const shown = new Notification("Granja", options);
  shown.onclick = () => {
    focus();
    shown.close();
  };
}
