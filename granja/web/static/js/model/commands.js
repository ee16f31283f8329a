// What a typed line is, and the lines that the page itself types (the wire contract, section 3).
//
// No command's word, no emoticon and no limit is written down in the page: all come from
// contract.json, which the server makes from its table.  A command is asked for by what it does.

export class Commands {
  #deeds;
  #short; // words of one character, which are commands in small letters only
  #secrets; // words after which a secret stands
  #slip; // what is nearly such a word: the server takes it for one

  /** @param contract the content of contract.json. */
  constructor({ commands, deeds, emoticons, secrets, limits, ...rules }) {
    const words = commands.flatMap(({ word, aliases }) => [word, ...aliases]);
    const bare = secrets.map((word) => word.slice(1)).join("|");
    this.table = commands;
    this.emoticons = emoticons; // {word, face}: what is sent, and what the others see
    this.limits = limits;
    this.declareOnce = rules.declare_once;
    this.offerLifetime = rules.offer_lifetime * 1000; // milliseconds
    this.#deeds = deeds;
    this.#short = new Set(words.filter((word) => [...word].length === 2));
    this.#secrets = new Set(secrets);
    this.#slip = new RegExp(`^[^\\p{L}\\s]+(?:${bare})(?!\\p{L})`, "iu");
  }

  /** The line that does it: line("trade.offer", "Gus", 6, 13). */
  line(deed, ...values) {
    return [this.#deeds[deed], ...values].join(" ");
  }

  /** The command's word in lower case, or null for plain talk such as ":)" or ":q!". */
  wordOf(line) {
    const word = firstWord(line);
    if (this.#short.has(word)) return word;
    return /^:\p{L}{2,}$/u.test(word) ? word.toLowerCase() : null;
  }

  /** The row of the table that a line begins with, or undefined. */
  rowOf(line) {
    const word = this.wordOf(line);
    return this.table.find((row) => row.word === word || row.aliases.includes(word));
  }

  /** What a word does, as the help says it: "Suelta una larva". */
  about(word) {
    const { summary } = this.table.find((row) => row.word === word);
    const [first, ...rest] = summary.split(":", 1)[0];
    return first.toUpperCase() + rest.join("");
  }

  /** Whether a line is the command that does it. */
  does(line, deed) {
    return this.wordOf(line) === this.#deeds[deed];
  }

  /** Whether the line holds a password, also by a slip, so that it must be kept nowhere. */
  isSecret(line) {
    return this.#secrets.has(this.wordOf(line)) || this.#slip.test(firstWord(line));
  }

  /**
   * What the speaker sees of their own line, because the server sends no echo:
   * {kind: "said" | "action" | "whispered" | "typed", text, to?}.
   */
  echoOf(line) {
    if (this.isSecret(line)) return { kind: "typed", text: "••••••••" };
    const word = this.wordOf(line);
    if (word === null) return { kind: "said", text: line };
    const emoticon = this.emoticons.find((known) => known.word === word);
    if (emoticon) return { kind: "said", text: emoticon.face };
    const action = this.does(line, "talk.act") && /^\s*\S+\s+(\S.*)$/u.exec(line);
    if (action) return { kind: "action", text: action[1] };
    const whisper = this.does(line, "talk.whisper") && /^\s*\S+\s+(\S+)\s+(\S.*)$/u.exec(line);
    if (whisper) return { kind: "whispered", to: whisper[1], text: whisper[2] };
    return { kind: "typed", text: line.trim() };
  }

  /** What stands in the way of this name, or null: {count, most}. */
  faultOfName(name) {
    const count = lengthOf(name.trim());
    return count > this.limits.name ? { count, most: this.limits.name } : null;
  }

  /** What stands in the way of this new password, or null: {count, least, most}. */
  faultOfPassword(password) {
    const [least, most] = this.limits.password;
    const count = lengthOf(password.trim());
    return count < least || count > most ? { count, least, most } : null;
  }

  /** Whether the server takes a line of that length. */
  fits(line) {
    return byteLength(line) <= this.limits.line;
  }
}

const firstWord = (line) => line.trim().split(/\s+/u, 1)[0];

/** What was pasted is several messages: one for each line that says something. */
export const linesOf = (text) =>
  text.split(/[\r\n\u2028\u2029]+/u).map((line) => line.trim()).filter(Boolean);

/** A message is one line: what has line ends becomes one. */
export const oneLine = (text) => text.replace(/[\r\n\u2028\u2029]+/gu, " ").trim();

/** How many characters the server counts: code points, with accents composed. */
export const lengthOf = (text) => [...text.normalize("NFC")].length;

/** How many bytes the server will count. */
export const byteLength = (text) => new TextEncoder().encode(text).length;
