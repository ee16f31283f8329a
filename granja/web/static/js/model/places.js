// A place of the collection: an artifact, and how many copies of it the person has.

const places = new Map();

/** {artifact, copies, isSought}: one object for the same values, so that lists see a change. */
export function place(artifact, copies, isSought = false) {
  const key = `${artifact.id} ${copies} ${isSought}`;
  if (!places.has(key)) places.set(key, { artifact, copies, isSought });
  return places.get(key);
}
