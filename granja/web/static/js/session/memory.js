// What the browser remembers between visits: the name, the artifacts last held, the theme.
// Never a password.  A browser that forbids storage only forgets.

function attempt(work) {
  try {
    return work();
  } catch {
    return null; // storage is off, full or holds something else
  }
}

export const recall = (key) => attempt(() => JSON.parse(localStorage.getItem(`granja.${key}`)));

export function remember(key, value) {
  attempt(() => localStorage.setItem(`granja.${key}`, JSON.stringify(value)));
}
