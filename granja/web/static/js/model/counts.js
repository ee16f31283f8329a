// Collections as plain objects {artifact number: copies}.  Copies are never 0.

/** Counts the wire's list of {id, name}, which names two copies twice. */
export function countArtifacts(artifacts) {
  const counts = {};
  for (const { id } of artifacts) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

export function addCopy(counts, id) {
  return { ...counts, [id]: (counts[id] ?? 0) + 1 };
}

export function removeCopy(counts, id) {
  const { [id]: copies = 0, ...rest } = counts;
  return copies > 1 ? { ...rest, [id]: copies - 1 } : rest;
}

export const totalCopies = (counts) => Object.values(counts).reduce((sum, n) => sum + n, 0);

/** The list in the server's form: "6, 13, 13", or "ninguno". */
export function spellList(counts) {
  const numbers = Object.entries(counts).flatMap(([id, copies]) => Array(copies).fill(id));
  return numbers.join(", ") || "ninguno";
}

/** The typed list as counts, or null when it is not a list of numbers of the catalog. */
export function parseList(text, catalog) {
  const known = new Set(catalog.map((artifact) => String(artifact.id)));
  const words = text.split(/[\s,;]+/u).filter(Boolean);
  if (words.length === 1 && words[0].toLowerCase() === "ninguno") return {};
  if (!words.every((word) => known.has(word))) return null;
  return countArtifacts(words.map((id) => ({ id })));
}
