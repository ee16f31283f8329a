// The place on the page is in its address, so that links and the Back button do what they promise.
//
// On a phone, each panel is a place: "#ofertas".  An open dialog is a place too: Back closes it.
// "?con=Gus&pido=21&doy=13" opens an offer's form once the person is inside, and "?susurro=Gus" makes
// Gus the one who gets the next lines.

const HASHES = { talk: "#charla", offers: "#ofertas", collection: "#coleccion", people: "#gente" };

const panelOf = (hash) => Object.keys(HASHES).find((panel) => HASHES[panel] === hash) ?? "talk";

/** Open a dialog.  Going back closes it. */
export function openDialog(dialog) {
  dialog.showModal();
  if (!history.state?.dialog) history.pushState({ ...history.state, dialog: true }, "");
  dialog.addEventListener("close", dialogClosed, { once: true });
}

const openDialogs = () => document.querySelectorAll("dialog[open]");

function dialogClosed() {
  if (openDialogs().length === 0 && history.state?.dialog) history.back();
}

/** Note in the address that this panel is open now. */
export function goneTo(panel) {
  const hash = HASHES[panel];
  if (location.hash === hash || (location.hash === "" && panel === "talk")) return;
    // However many panels the person looked at, one step back leads to the talk.
  if (panel === "talk" && history.state?.isAside) history.back();
  else if (history.state?.isAside) history.replaceState(history.state, "", hash);
  else history.pushState({ isAside: true }, "", hash);
}

/** @param show opens a panel without noting it. */
export function showPlaces(page, show) {
  // A newly loaded page has no open dialog.
  if (history.state?.dialog) history.replaceState({ ...history.state, dialog: false }, "");
  addEventListener("popstate", () => {
    if (!history.state?.dialog) for (const dialog of openDialogs()) dialog.close();
    show(panelOf(location.hash));
  });
  show(panelOf(location.hash));
  page.goToAddress = (address) => goToAddress(page, new URL(address, location.href));
  openWhatIsAsked(page);
}

/** A panel's address, and that of a whisper's field. */
export const addressOf = (panel) => HASHES[panel];
export const addressToWhisper = (name) => `?susurro=${encodeURIComponent(name)}`;

const whispersTo = (search) => new URLSearchParams(search).get("susurro");

/** A pressed notification leads here. */
function goToAddress(page, { hash, search }) {
  for (const dialog of openDialogs()) dialog.close();
  const name = whispersTo(search);
  if (name !== null) return page.composer.whisperTo(name);
  const panel = panelOf(hash);
  page.goTo(panel);
  document.querySelector(panel === "talk" ? "#line" : `#${panel} [tabindex="-1"], #${panel} button`)?.focus();
}

/** {whom, mine, theirs} from the address, or null. */
export function askedFor(search) {
  const asked = new URLSearchParams(search);
  const number = (key) => (/^\d{1,12}$/u.test(asked.get(key) ?? "") ? Number(asked.get(key)) : null);
  const choice = { whom: asked.get("con"), mine: number("doy"), theirs: number("pido") };
  return Object.values(choice).some((value) => value !== null) ? choice : null;
}

/** The address that asks for this choice. */
export function addressFor(choice) {
  const url = new URL(location.pathname, location.href);
  if (choice.whom) url.searchParams.set("con", choice.whom);
  return url.href;
}

function openWhatIsAsked(page) {
  const choice = askedFor(location.search);
  const name = whispersTo(location.search);
  if (choice === null && name === null && panelOf(location.hash) === "talk") return;
  let isOpened = false;
  const open = (state) => {
    // The list of people comes a moment after the arrival.
    if (isOpened || state.phase !== "inside" || state.people.length === 0) return;
    isOpened = true;
    history.replaceState(history.state, "", location.pathname + location.hash);
    if (name !== null) page.composer.whisperTo(name);
    else if (choice !== null) page.offerDialog.open(choice);
    else goToAddress(page, location);
  };
  page.store.subscribe(open);
}
