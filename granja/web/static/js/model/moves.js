// Who came and who left, in one sentence: "Ana, Beto y 12 más entraron."

/** As many are named. */
const NAMED = 3;

/** The sentence for [{name, came}], one or more in their order.  Nobody comes after having left. */
export function tell(moves) {
  const came = moves.filter((move) => move.came).map(({ name }) => name);
  const left = moves.filter((move) => !move.came).map(({ name }) => name);
  const passed = came.filter((name) => left.includes(name));
  const others = (names) => names.filter((name) => !passed.includes(name));
  const said = [
    say(others(came), "entró", "entraron"),
    say(passed, "entró y se fue", "entraron y se fueron"),
    say(others(left), "se fue", "se fueron"),
  ];
  return said.filter(Boolean).join(" ");
}

function say(names, one, many) {
  if (names.length === 0) return "";
  return `${list(names)} ${names.length === 1 ? one : many}.`;
}

/** "Ana", "Ana y Beto", "Ana, Beto y 12 más"; a single one more is named. */
export function list(names) {
  if (names.length === 1) return names[0];
  if (names.length <= NAMED) {
    const last = names.at(-1);
    return `${names.slice(0, -1).join(", ")} ${and(last)} ${last}`;
  }
  return `${names.slice(0, NAMED - 1).join(", ")} y ${names.length - NAMED + 1} más`;
}

/** "Ana e Inés": y before its own sound is e. */
const and = (name) => (/^h?i(?![aeou])/iu.test(name.normalize("NFD")) ? "e" : "y");
