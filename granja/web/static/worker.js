// Keeps the page and what it is made of, for when there is no line: never what is said or traded.
//
// granja/web/bundle.py writes the names, which carry hashes: with another version of Granja this
// file is another one, and the browser fetches that version's set.  The page itself always comes
// from the server where there is a line, so an old page never hides a new one.

const PAGE = "index.html";
const FILES = [
  "js/main.js",
  "js/inside.js",
  "js/rescue.js",
  "page.css",
  "inside.css",
  "icons.svg",
  "artifacts.svg",
  "favicon.svg",
  "favicon-calls.svg",
];
const SET = `granja ${[PAGE, ...FILES].join(" ")}`;
const HOME = new URL("./", location.href).pathname;
const PATHS = new Set(FILES.map((name) => HOME + name));
/** Milliseconds for the page.  A tunnel may take the question and give no answer. */
const PATIENCE = 8000;
/** What a proxy says when the server behind it is gone. */
const GONE = [502, 503, 504];

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(fill());
});

addEventListener("activate", (event) => event.waitUntil(begin()));

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate" && pathname === HOME) event.respondWith(page(event));
  else if (PATHS.has(pathname)) event.respondWith(file(event.request));
});

/** A page wants a notification: {title, options}.  It is noted whose it is. */
addEventListener("message", (event) => {
  const { title, options } = event.data;
  const data = { ...options.data, page: event.source.id };
  event.waitUntil(registration.showNotification(title, { ...options, data }));
});

addEventListener("notificationclick", (event) => event.waitUntil(pressed(event.notification)));

/** Who presses a notification wants to see its page, at the place that it tells of. */
async function pressed(notification) {
  const { page: id, address = "" } = notification.data ?? {};
  notification.close();
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((known) => known.id === id) ?? pages[0];
  if (page === undefined) return clients.openWindow(HOME + address);
  page.postMessage({ address });
  return page.focus();
}

async function fill() {
  const answer = await fetch(HOME, { cache: "no-cache" });
  const text = await answer.text();
  // Meanwhile the server may have become another: then that one's set is fetched the next time.
  if (!answer.ok || !text.includes(FILES[0])) throw new Error("The page is of another version");
  const set = await caches.open(SET);
  await set.addAll(FILES);
  await set.put(HOME, marked(text, answer.headers));
}

/** The same page with the same policy; it knows that it was kept. */
function marked(text, before) {
  const headers = new Headers(before);
  for (const name of ["content-encoding", "content-length", "etag"]) headers.delete(name);
  return new Response(text.replace("<html ", "<html data-kept "), { headers });
}

async function begin() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("granja ") && name !== SET);
  await Promise.all(old.map((name) => caches.delete(name)));
  // The page is asked for while this worker wakes up.
  await registration.navigationPreload?.enable();
}

async function page(event) {
  try {
    const answer = await Promise.race([fresh(event), tooLate()]);
    return GONE.includes(answer.status) ? ((await kept(HOME)) ?? answer) : answer;
  } catch {
    return (await kept(HOME)) ?? Response.error();
  }
}

const fresh = async (event) => (await event.preloadResponse) ?? fetch(event.request);

/** Ends the waiting where there is a page to show instead. */
async function tooLate() {
  if ((await kept(HOME)) === undefined) return new Promise(() => {});
  await new Promise((done) => setTimeout(done, PATIENCE));
  throw new Error("There was no answer in time");
}

const file = async (request) => (await kept(request)) ?? fetch(request);

const kept = async (request) => (await caches.open(SET)).match(request);
