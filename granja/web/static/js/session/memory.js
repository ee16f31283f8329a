// What the browser remembers between visits: the name, the artifacts last held, the theme; and
// in this tab alone what was being typed, and to whom.  While one is inside also the visit: the pass
// that brings one back, and the talk that one had; saying goodbye erases it.
// Never a password.  A browser that forbids storage only forgets.

function attempt(work) {
  try {
    return work();
  } catch {
    return null; // storage is off, full or holds something else
  }
}

export const recall = (key) => attempt(() => JSON.parse(localStorage.getItem(`granja.${key}`)));

/** null forgets it. */
export function remember(key, value) {
  attempt(() =>
    value === null
      ? localStorage.removeItem(`granja.${key}`)
      : localStorage.setItem(`granja.${key}`, JSON.stringify(value)),
  );
}

export const kept = (key) => attempt(() => JSON.parse(sessionStorage.getItem(`granja.${key}`)));

/** Keep it in this tab until it is closed; null forgets it. */
export function keep(key, value) {
  attempt(() =>
    value === null
      ? sessionStorage.removeItem(`granja.${key}`)
      : sessionStorage.setItem(`granja.${key}`, JSON.stringify(value)),
  );
}
