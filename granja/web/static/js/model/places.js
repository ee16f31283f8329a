// A place of the collection: an artifact and how many copies of it one has.

const places = new Map();

/** {artifact, copies, isSought}; the same object for the same values, so that lists know what changed. */
export function place(artifact, copies, isSought = false) {
  const key = `${artifact.id} ${copies} ${isSought}`;
  if (!places.has(key)) places.set(key, { artifact, copies, isSought });
  return places.get(key);
}
