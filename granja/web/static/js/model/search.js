// Finds artifacts by typed words, with or without accents.

export const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();

/** Whether the artifact {id, name} fits the typed words: part of its name, or its number. */
export function fits(artifact, typed) {
  const wanted = fold(typed);
  return wanted === "" || fold(artifact.name).includes(wanted) || String(artifact.id) === wanted;
}
