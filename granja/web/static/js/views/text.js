// What people say, with its addresses as links.  The page loads nothing from where they lead.

import { h } from "./dom.js";
import { pieces } from "../model/links.js";

const OUTSIDE = { target: "_blank", rel: "noopener noreferrer" };

/** The paragraph of an entry. */
export function spokenText(text) {
  return h("p", { class: "text" }, ...pieces(text).flatMap(nodesOf));
}

/** If a link leads elsewhere than its text says, the real host stands beside it. */
function nodesOf({ text, href, host }) {
  if (href === undefined) return [text];
  const link = h("a", { href, ...OUTSIDE }, text);
  return host === null ? [link] : [link, h("span", { class: "host" }, ` (${host})`)];
}
