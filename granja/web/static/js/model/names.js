// Compares names, as far as the page needs it.  The server compares them more carefully.

/** Whether two names are surely the same farmer. */
export const sameName = (one, other) => one?.toLowerCase() === other?.toLowerCase();

const isPartOfWord = (char) => char !== undefined && /[\p{L}\p{M}\p{N}_]/u.test(char);

/** Whether a text contains this name as a whole word: "Ana" is not in "mañana" or "Anabel". */
export function mentions(text, name) {
  if (!name) return false;
  const words = text.normalize("NFC").toLowerCase();
  const wanted = name.normalize("NFC").toLowerCase();
  for (let at = words.indexOf(wanted); at !== -1; at = words.indexOf(wanted, at + 1)) {
    const before = [...words.slice(Math.max(0, at - 2), at)].at(-1);
    const after = [...words.slice(at + wanted.length, at + wanted.length + 2)][0];
    if (!isPartOfWord(before) && !isPartOfWord(after)) return true;
  }
  return false;
}
