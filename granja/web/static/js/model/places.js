// A place of the collection: an artifact and how many copies of it one has.

const places = new Map();

/** {artifact, copies}; the same object for the same values, so that lists know what changed. */
export function place(artifact, copies) {
  const key = `${artifact.id} ${copies}`;
  if (!places.has(key)) places.set(key, { artifact, copies });
  return places.get(key);
}
