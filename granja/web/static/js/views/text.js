// What people say, with its addresses as links.  Nothing of where they lead is loaded.

import { h } from "./dom.js";
import { pieces } from "../model/links.js";

const OUTSIDE = { target: "_blank", rel: "noopener noreferrer" };

/** The paragraph of an entry. */
export function spokenText(text) {
  return h("p", { class: "text" }, ...pieces(text).flatMap(nodesOf));
}

/** A link that leads elsewhere than one would read says so beside it. */
function nodesOf({ text, href, host }) {
  if (href === undefined) return [text];
  const link = h("a", { href, ...OUTSIDE }, text);
  return host === null ? [link] : [link, h("span", { class: "host" }, ` (${host})`)];
}
