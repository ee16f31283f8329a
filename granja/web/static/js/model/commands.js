// Knows what a typed line is, and the lines that the page itself types (the contract, section 3).
//
// The page contains no command word, no emoticon and no limit.  All of them come from
// contract.json, which the server makes from its table.  The page asks for a command by its deed.

export class Commands {
  #deeds;
  #short; // words of one character: these are commands only in small letters
  #secrets; // words before a secret
  #slip; // what is almost such a word: the server takes it for that word

  /** @param contract the content of contract.json. */
  constructor({ commands, deeds, emoticons, secrets, limits, ...rules }) {
    const words = commands.flatMap(({ word, aliases }) => [word, ...aliases]);
    const bare = secrets.map((word) => word.slice(1)).join("|");
    this.table = commands;
    this.emoticons = emoticons; // {word, face}: what the page sends, and what the others see
    this.limits = limits;
    this.declareOnce = rules.declare_once;
    this.offerLifetime = rules.offer_lifetime * 1000; // milliseconds
    this.#deeds = deeds;
    this.#short = new Set(words.filter((word) => [...word].length === 2));
    this.#secrets = new Set(secrets);
    this.#slip = new RegExp(`^[^\\p{L}\\s]+(?:${bare})(?!\\p{L})`, "iu");
  }

  /** The line that does a deed: line("trade.offer", "Gus", 6, 13). */
  line(deed, ...values) {
    return [this.#deeds[deed], ...values].join(" ");
  }

  /** The command's word in lower case, or null for plain talk such as ":)" or ":q!". */
  wordOf(line) {
    const word = firstWord(line);
    if (this.#short.has(word)) return word;
    return /^:\p{L}{2,}$/u.test(word) ? word.toLowerCase() : null;
  }

  /** The row of the table for the line's first word, or undefined. */
  rowOf(line) {
    const word = this.wordOf(line);
    return this.table.find((row) => row.word === word || row.aliases.includes(word));
  }

  /** What a command does, in the words of the help: "Suelta una larva". */
  about(word) {
    const { summary } = this.table.find((row) => row.word === word);
    const [first, ...rest] = summary.split(":", 1)[0];
    return first.toUpperCase() + rest.join("");
  }

  /** Whether a line is the command for this deed. */
  does(line, deed) {
    return this.wordOf(line) === this.#deeds[deed];
  }

  /** Whether the line holds a password, perhaps with a slip, so that nothing may keep it. */
  isSecret(line) {
    return this.#secrets.has(this.wordOf(line)) || this.#slip.test(firstWord(line));
  }

  /**
   * What the speaker sees of their own line; the server sends no echo of it:
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

  /** Why this name does not fit, or null: {count, most}. */
  faultOfName(name) {
    const count = lengthOf(name.trim());
    return count > this.limits.name ? { count, most: this.limits.name } : null;
  }

  /** Why this new password does not fit, or null: {count, least, most}. */
  faultOfPassword(password) {
    const [least, most] = this.limits.password;
    const count = lengthOf(password.trim());
    return count < least || count > most ? { count, least, most } : null;
  }

  /** Whether the server takes a line of this length. */
  fits(line) {
    return byteLength(line) <= this.limits.line;
  }
}

const firstWord = (line) => line.trim().split(/\s+/u, 1)[0];

/** The messages in a pasted text: one for each line that is not empty. */
export const linesOf = (text) =>
  text.split(/[\r\n\u2028\u2029]+/u).map((line) => line.trim()).filter(Boolean);

/** A message is one line: this joins a text with line ends into one line. */
export const oneLine = (text) => text.replace(/[\r\n\u2028\u2029]+/gu, " ").trim();

/** The number of characters as the server counts them: code points, with accents composed. */
export const lengthOf = (text) => [...text.normalize("NFC")].length;

/** The number of bytes as the server counts them. */
export const byteLength = (text) => new TextEncoder().encode(text).length;
