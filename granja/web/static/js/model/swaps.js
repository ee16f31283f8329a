// What the page knows of swaps: open swaps, what the person can get, who has what.  Pure.

/** How many rings the page shows.  The talk has them all. */
const RINGS = 3;

export const noSwaps = {
  standing: [], // {number, gives, takes, keep}: the person's own, as posted or listed
  chances: null, // {how: "now" | "pair" | "three", gives, takes}; null before the first question
  more: 0, // how many chances have no row
  who: null, // the last answer: {artifact, givers, seekers, more}
  seeks: null, // {mode: "all" | "list", artifacts}; null while unknown
  rings: [], // {number, gave, to, got, from}, the newest first
  asked: [], // what the page asked by itself, in order: "who", "chances", "seeks"
};

const same = (one, other) => one.gives.id === other.gives.id && one.takes.id === other.takes.id;
const without = (list, chance) => list.filter((known) => !same(known, chance));

function keep(swaps, { number, gives, takes, keep: keeps }) {
  const others = swaps.standing.filter((known) => known.number !== number);
  const standing = [...others, { number, gives, takes, keep: keeps }];
  return { ...swaps, standing: standing.sort((a, b) => a.number - b.number) };
}

const drop = (swaps, number) => ({
  ...swaps,
  standing: swaps.standing.filter((known) => known.number !== number),
});

function settled(swaps, { number, gave, to, got, from }) {
  const rings = [{ number, gave, to, got, from }, ...swaps.rings].slice(0, RINGS);
  return { ...swaps, rings, chances: swaps.chances?.filter((c) => c.takes.id !== got.id) ?? null };
}

/** All rows have come when the answer to the next question comes. */
function answered(swaps, what) {
  return { ...swaps, asked: swaps.asked.slice(swaps.asked.indexOf(what) + 1) };
}

const HEARD = {
  swap: keep,
  "swap-out": keep,
  "swap-done": settled,
  "swap-ended": (swaps, { number }) => drop(swaps, number),
  who: (swaps, { artifact, givers, seekers, more }) =>
    answered({ ...swaps, who: { artifact, givers, seekers, more } }, "who"),
  seeks: (swaps, { mode, artifacts }) =>
    answered({ ...swaps, seeks: { mode, artifacts } }, "seeks"),
  chance(swaps, { how, gives, takes }) {
    if (!swaps.asked.includes("chances")) return swaps;
    return { ...swaps, chances: [...swaps.chances, { how, gives, takes }] };
  },
  "more-chances": (swaps, { count }) =>
    swaps.asked.includes("chances") ? { ...swaps, more: count } : swaps,
  "chance-told"(swaps, { gives, takes }) {
    const told = { how: "now", gives, takes };
    return { ...swaps, chances: [told, ...without(swaps.chances ?? [], told)] };
  },
  error: (swaps, { code }) =>
    swaps.asked.length === 0 || code === "NoChances" ? swaps : { ...swaps, asked: [] },
};

export function heardOfSwaps({ swaps, phase, isBack }, message) {
  if (message.type === "ready" && phase !== "inside") return isBack ? onNewLine(swaps) : noSwaps;
  return HEARD[message.type]?.(swaps, message) ?? swaps;
}

const ROWS = new Set(["chance", "more-chances"]);

/** Whether a message answers what the page asked by itself.  The talk does not show it. */
export function isAnswer({ asked }, { type, code }) {
  if (ROWS.has(type) || code === "NoChances") return asked.includes("chances");
  return asked.includes(type);
}

/** The page asks by itself: ["who"], or ["chances", "seeks"]. */
export function asking(swaps, about) {
  const fresh = about.includes("chances") ? { chances: [], more: 0 } : {};
  return { ...swaps, ...fresh, asked: [...swaps.asked, ...about] };
}

/** On a new connection, no question is open. */
export const onNewLine = (swaps) => ({ ...swaps, asked: [] });

// -- what is true now ------------------------------------------------------------------------

const holds = (mine, artifact) => (mine[artifact.id] ?? 0) > 0;

/** What is left of a swap with what the person has now.  A swap only becomes smaller. */
export function leftOf(swap, mine) {
  const gives = swap.gives.filter((a) => (mine[a.id] ?? 0) > (swap.keep ? 1 : 0));
  return { ...swap, gives, takes: swap.takes.filter((a) => !holds(mine, a)) };
}

/** The open swaps, without those that a ring has used up; no message says that. */
export const standing = ({ swaps, mine }) =>
  swaps.standing
    .map((swap) => leftOf(swap, mine))
    .filter(({ gives, takes }) => gives.length > 0 && takes.length > 0);

/** What the person can get, if it still fits what they have. */
export const chances = ({ swaps, mine }) =>
  (swaps.chances ?? []).filter(({ gives, takes }) => holds(mine, gives) && !holds(mine, takes));

/** Whether the person seeks it: what they typed, or all that they lack. */
export function isSought({ swaps, mine }, artifact) {
  if (holds(mine, artifact)) return false;
  return swaps.seeks?.mode === "list" && swaps.seeks.artifacts.some(({ id }) => id === artifact.id);
}

/** The words of a swap's line: the numbers of both sides. */
export const sides = (gives, takes) => `${gives.join(",")} por ${takes.join(",")}`;

/** "Ancla", "Ancla o Disco raro", "Ancla, Disco raro o Trilobites". */
export function either(artifacts) {
  const names = artifacts.map(({ name }) => name);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} o ${names.at(-1)}`;
}

/** How many different artifacts the person has, and whether that is the whole catalog. */
export function progress({ catalog, mine }) {
  const lit = catalog.filter((artifact) => holds(mine, artifact)).length;
  return { lit, of: catalog.length, isWhole: catalog.length > 0 && lit === catalog.length };
}
