// What the browser remembers between visits: the name, the artifacts last held, the theme.  During
// a visit the browser also keeps the pass that brings the person back, their talk, the unsent line
// and who it was for; saying goodbye erases them.  A tab knows its own unsent line before another's.
// It never keeps a password.  A browser that forbids storage only forgets.

function attempt(work) {
  try {
    return work();
  } catch {
    return null; // storage is off or full, or holds something else
  }
}

export const recall = (key) => attempt(() => JSON.parse(localStorage.getItem(`granja.${key}`)));

/** Remember a value; null forgets it. */
export function remember(key, value) {
  attempt(() =>
    value === null
      ? localStorage.removeItem(`granja.${key}`)
      : localStorage.setItem(`granja.${key}`, JSON.stringify(value)),
  );
}

export const kept = (key) => attempt(() => JSON.parse(sessionStorage.getItem(`granja.${key}`)));

/** Keep a value until this tab closes; null forgets it. */
export function keep(key, value) {
  attempt(() =>
    value === null
      ? sessionStorage.removeItem(`granja.${key}`)
      : sessionStorage.setItem(`granja.${key}`, JSON.stringify(value)),
  );
}
