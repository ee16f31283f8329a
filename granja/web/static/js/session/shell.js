// Has the browser keep the page for when there is no line (static/worker.js).

/** The one address that may become a script by this page's hand. */
const WORKER = "worker.js";

let isAsked = false;

/** For who has been inside once; where the browser does not want to, only this is missing. */
export function keepShell() {
  if (isAsked || !("serviceWorker" in navigator)) return;
  isAsked = true;
  const refused = (error) => console.info(`The page is not kept: ${error.message}`);
  navigator.serviceWorker.register(trusted(WORKER), { scope: "./" }).catch(refused);
}

/** The policy of the site trusts no text as the address of a script, but this policy's. */
function trusted(address) {
  if (!window.trustedTypes) return address;
  const createScriptURL = (text) => {
    if (text === WORKER) return text;
    throw new TypeError(`${text} is not ${WORKER}`);
  };
  return trustedTypes.createPolicy("granja-worker", { createScriptURL }).createScriptURL(address);
}
