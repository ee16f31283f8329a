// Finding artifacts by what one types, with or without accents.

export const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();

/** Whether the artifact {id, name} fits the words typed: part of its name, or its number. */
export function fits(artifact, typed) {
  const wanted = fold(typed);
  return wanted === "" || fold(artifact.name).includes(wanted) || String(artifact.id) === wanted;
}
