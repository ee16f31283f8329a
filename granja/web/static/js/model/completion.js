// Suggests what may come next in the typed line, as the terminal client does.

import { fold } from "./search.js";
import { sameName } from "./names.js";

/** The most suggestions that the page shows. */
const MOST = 8;

/**
 * The suggestions for a line: [{text, replaces, label, note}].  The text takes the place of the
 * last `replaces` characters before the cursor.
 *
 * @param before the text before the cursor.
 * @param around {people, me, catalog, mine, offers} of the state.
 * @param commands the table.
 * @param asked whether the person asks for suggestions (Tab).  Plain talk gets none unasked.
 */
export function suggest(before, around, commands, asked) {
  const typed = before.trimStart();
  if (!typed.startsWith(":")) {
    const word = /\S*$/u.exec(before)[0];
    return asked && word !== "" ? people(word, around) : [];
  }
  if (!/\s/u.test(typed)) return asked || [...typed].length > 1 ? wordsOf(typed, commands) : [];
  const row = commands.rowOf(typed);
  return row ? argument(typed.replace(/^\S+\s+/u, ""), row.arguments, around) : [];
}

function wordsOf(typed, commands) {
  const begins = (word) => fold(word).startsWith(fold(typed));
  return commands.table
    .filter((row) => [row.word, ...row.aliases].some(begins))
    .sort((a, b) => begins(b.word) - begins(a.word))
    .slice(0, MOST)
    .map((row) => ({ text: row.word, replaces: typed.length, label: row.usage, note: row.summary }));
}

const ARTIFACTS = new Set(["artifact", "mine", "theirs"]);

/** Suggestions for the last argument, which the person is typing. */
function argument(typed, kinds, around) {
  for (const kind of kinds) {
    const [word, others] = /^(\S*)(?:\s+(.*))?$/su.exec(typed)?.slice(1) ?? [typed];
    // An artifact's name may contain spaces; its number has none.
    if (others === undefined || (ARTIFACTS.has(kind) && !/^\d+$/u.test(word)))
      return candidates(kind, typed, around);
    typed = others;
  }
  return [];
}

function candidates(kind, typed, around) {
  if (kind === "name") return people(typed, around);
  if (kind === "offer") return offers(typed, around);
  if (kind === "mine") return artifacts(typed, around, ({ id }) => around.mine[id] > 0);
  return ARTIFACTS.has(kind) ? artifacts(typed, around, () => true) : [];
}

function people(typed, { people: names, me }) {
  return names
    .filter((name) => !sameName(name, me) && fold(name).startsWith(fold(typed)))
    .slice(0, MOST)
    .map((name) => ({ text: name, replaces: typed.length, label: name, note: "" }));
}

function offers(typed, around) {
  return around.offers
    .filter(({ number }) => String(number).startsWith(typed.replace(/^#/u, "")))
    .slice(0, MOST)
    .map(({ number, who, gives, takes }) => ({
      text: String(number),
      replaces: typed.length,
      label: `#${number}`,
      note: `${who}: ${gives.name} por ${takes.name}`,
    }));
}

function artifacts(typed, { catalog, mine }, keeps) {
  const startsAWord = (name) => ` ${fold(name)}`.includes(` ${fold(typed)}`);
  const isMeant = ({ id, name }) => startsAWord(name) || (typed !== "" && `${id}`.startsWith(typed));
  return catalog
    .filter((artifact) => keeps(artifact) && isMeant(artifact))
    .slice(0, MOST)
    .map(({ id, name }) => ({
      text: String(id),
      replaces: typed.length,
      label: mine[id] > 1 ? `${name} ×${mine[id]}` : name,
      note: `n.º ${id}`,
    }));
}
