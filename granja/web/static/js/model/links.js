// Finds the addresses in what people say: only http and https, and only when there is no doubt.
// A link must lead where its text says.

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\\^{}|]+/giu;
/** Marks that end a sentence, not an address. */
const TRAILING = /[.,;:!?…»”’)\]]$/u;
const PAIRS = { ")": "(", "]": "[" };

/**
 * Splits a text into pieces, in order: {text} or {text, href, host}.  The browser will go to host.
 * host is null when the text itself shows it; letters of other scripts, for one, do not.
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

/** The address without the sentence's marks.  It keeps a bracket that opens inside of it. */
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

/** null for what is not an address, and for one with a user name (such as a bank's, before @). */
function linkOf(typed) {
  if (!URL.canParse(typed)) return null;
  const url = new URL(typed);
  if (!["http:", "https:"].includes(url.protocol) || url.username || url.password) return null;
  if (/^https?:\/\/[^/?#]*@/iu.test(typed)) return null;
  const isAsWritten = typed.toLowerCase().startsWith(`${url.protocol}//${url.host}`);
  return { text: typed, href: url.href, host: isAsWritten ? null : url.host };
}
