// What a typed line is, and the lines that the page itself types (the wire contract, section 3).

/** The emoticons: the word that is sent, the face that the others see, what it is called. */
export const EMOTICONS = [
  { word: ":smile", face: ":)", name: "Sonrisa" },
  { word: ":angry", face: ">:(", name: "Enojo" },
  { word: ":combito", face: "Q(’- ’Q)", name: "Combito" },
  { word: ":larva", face: "¡Larva! (:o)OOOooo", name: "Larva" },
];

const SECRET_WORDS = new Set([":registrar", ":clave"]);

/** The command's word in lower case, or null for plain talk such as ":)" or ":q!". */
export function commandWord(line) {
  const word = line.trim().split(/\s+/u, 1)[0];
  if (/^:[qpuh?]$/u.test(word)) return word;
  return /^:\p{L}{2,}$/u.test(word) ? word.toLowerCase() : null;
}

/**
 * What the speaker sees of their own line, because the server sends no echo:
 * {kind: "said" | "whispered" | "typed", text, to?}.
 */
export function echoOf(line) {
  const word = commandWord(line);
  if (word === null) return { kind: "said", text: line };
  const emoticon = EMOTICONS.find((known) => known.word === word);
  if (emoticon) return { kind: "said", text: emoticon.face };
  const whisper = word === ":p" && /^\s*\S+\s+(\S+)\s+(\S.*)$/u.exec(line);
  if (whisper) return { kind: "whispered", to: whisper[1], text: whisper[2] };
  return { kind: "typed", text: SECRET_WORDS.has(word) ? `${word} ••••••••` : line.trim() };
}

/** Whether the line holds a password, so that it must be kept nowhere. */
export const isSecret = (line) => SECRET_WORDS.has(commandWord(line));

/** A message is one line: what was pasted with line ends becomes one. */
export const oneLine = (text) => text.replace(/[\r\n\u2028\u2029]+/gu, " ").trim();

/** How many bytes the server will count. */
export const byteLength = (text) => new TextEncoder().encode(text).length;
