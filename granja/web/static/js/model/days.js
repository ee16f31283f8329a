// Names the days of the talk in everyday words.

const DAY = new Intl.DateTimeFormat("es", { weekday: "long", day: "numeric", month: "long" });
const WITH_YEAR = new Intl.DateTimeFormat("es", { day: "numeric", month: "long", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat("es", { hour: "2-digit", minute: "2-digit" });

/** A number for the day, in the local time zone.  Two moments of one day have the same number. */
export function dayOf(at) {
  const date = new Date(at);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000;
}

/** "Hoy", "Ayer", "viernes, 27 de noviembre". */
export function sayDay(at, now) {
  const ago = dayOf(now) - dayOf(at);
  if (ago === 0) return "Hoy";
  if (ago === 1) return "Ayer";
  const isSameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (isSameYear ? DAY : WITH_YEAR).format(at);
}

/** When something ends: "hoy a las 14:05", "mañana a las 14:05", "el viernes, 27 de noviembre". */
export function sayWhen(at, now) {
  const days = dayOf(at) - dayOf(now);
  if (days <= 0) return `hoy a las ${CLOCK.format(at)}`;
  if (days === 1) return `mañana a las ${CLOCK.format(at)}`;
  return `el ${DAY.format(at)}`;
}
