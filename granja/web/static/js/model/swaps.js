// What the page knows of swaps: those that stand, what one can get, who has what.  Pure.

/** So many rings are shown; the talk has them all. */
const RINGS = 3;

export const noSwaps = {
  standing: [], // {number, gives, takes, keep}: one's own, as they were posted or listed
  chances: null, // {how: "now" | "pair" | "three", gives, takes}; null before anybody asked
  more: 0, // chances that have no row
  who: null, // the last answer: {artifact, givers, seekers, more}
  seeks: null, // {mode: "all" | "list", artifacts}; null while it is not known
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

/** The rows before the question that comes after them are all there are. */
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

/** Whether a message answers what the page asked by itself, which is no conversation. */
export function isAnswer({ asked }, { type, code }) {
  if (ROWS.has(type) || code === "NoChances") return asked.includes("chances");
  return asked.includes(type);
}

/** The page asks by itself: ["who"], or ["chances", "seeks"]. */
export function asking(swaps, about) {
  const fresh = about.includes("chances") ? { chances: [], more: 0 } : {};
  return { ...swaps, ...fresh, asked: [...swaps.asked, ...about] };
}

/** A new connection: nothing is under way. */
export const onNewLine = (swaps) => ({ ...swaps, asked: [] });

// -- as things are now -----------------------------------------------------------------------

const holds = (mine, artifact) => (mine[artifact.id] ?? 0) > 0;

/** What is left of a swap, by what one has: it only ever shrinks. */
export function leftOf(swap, mine) {
  const gives = swap.gives.filter((a) => (mine[a.id] ?? 0) > (swap.keep ? 1 : 0));
  return { ...swap, gives, takes: swap.takes.filter((a) => !holds(mine, a)) };
}

/** The swaps that stand, without those that a ring has used up, of which nobody says so. */
export const standing = ({ swaps, mine }) =>
  swaps.standing
    .map((swap) => leftOf(swap, mine))
    .filter(({ gives, takes }) => gives.length > 0 && takes.length > 0);

/** What one can get, as far as it still fits what one has. */
export const chances = ({ swaps, mine }) =>
  (swaps.chances ?? []).filter(({ gives, takes }) => holds(mine, gives) && !holds(mine, takes));

/** Whether one seeks it: what one typed, or all that one lacks. */
export function isSought({ swaps, mine }, artifact) {
  if (holds(mine, artifact)) return false;
  return swaps.seeks?.mode === "list" && swaps.seeks.artifacts.some(({ id }) => id === artifact.id);
}

/** The line of a swap: numbers on either side. */
export const sides = (gives, takes) => `${gives.join(",")} por ${takes.join(",")}`;

/** "Ancla", "Ancla o Disco raro", "Ancla, Disco raro o Trilobites". */
export function either(artifacts) {
  const names = artifacts.map(({ name }) => name);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} o ${names.at(-1)}`;
}

/** How many different ones there are, and whether that is all of the catalog. */
export function progress({ catalog, mine }) {
  const lit = catalog.filter((artifact) => holds(mine, artifact)).length;
  return { lit, of: catalog.length, isWhole: catalog.length > 0 && lit === catalog.length };
}
