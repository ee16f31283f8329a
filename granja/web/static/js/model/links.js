// The addresses in what people say.  Only http and https, and only what is one beyond doubt: a
// link must lead where it says.

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\\^{}|]+/giu;
/** What ends a sentence and not an address. */
const TRAILING = /[.,;:!?…»”’)\]]$/u;
const PAIRS = { ")": "(", "]": "[" };

/**
 * A text in pieces, in order: {text} or {text, href, host}, where host is what the browser will
 * go to if that is not written so in the text (as with letters of other scripts), else null.
 */
export function pieces(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const typed = withoutTail(match[0]);
    const link = linkOf(typed);
    if (link === null) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index) });
    found.push(link);
    at = match.index + typed.length;
  }
  if (at < text.length || found.length === 0) found.push({ text: text.slice(at) });
  return found;
}

/** Without the sentence's own marks; a bracket that was opened in the address belongs to it. */
function withoutTail(typed) {
  let kept = typed;
  while (TRAILING.test(kept)) {
    const opening = PAIRS[kept.at(-1)];
    if (opening && count(kept, opening) >= count(kept, kept.at(-1))) break;
    kept = kept.slice(0, -1);
  }
  return kept;
}

const count = (text, char) => text.split(char).length - 1;

/** null for what is no address, and for one that names a user (the address of a bank before an @). */
function linkOf(typed) {
  if (!URL.canParse(typed)) return null;
  const url = new URL(typed);
  if (!["http:", "https:"].includes(url.protocol) || url.username || url.password) return null;
  if (/^https?:\/\/[^/?#]*@/iu.test(typed)) return null;
  const isAsWritten = typed.toLowerCase().startsWith(`${url.protocol}//${url.host}`);
  return { text: typed, href: url.href, host: isAsWritten ? null : url.host };
}
