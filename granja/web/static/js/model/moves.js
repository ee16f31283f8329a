// Says who came and who left, in one sentence: "Ana, Beto y 12 más entraron."

/** How many people the sentence names. */
const NAMED = 3;

/** The sentence for one or more [{name, came}], in order.  No name comes after it has left. */
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

/** "Ana", "Ana y Beto", "Ana, Beto y 12 más".  If only one more remains, the list names them. */
export function list(names) {
  if (names.length === 1) return names[0];
  if (names.length <= NAMED) {
    const last = names.at(-1);
    return `${names.slice(0, -1).join(", ")} ${and(last)} ${last}`;
  }
  return `${names.slice(0, NAMED - 1).join(", ")} y ${names.length - NAMED + 1} más`;
}

/** "Ana e Inés": "y" becomes "e" before its own sound. */
const and = (name) => (/^h?i(?![aeou])/iu.test(name.normalize("NFD")) ? "e" : "y");
