// Names, as far as the page needs to know them; the server compares them with more care.

/** Whether two names are surely the same farmer. */
export const sameName = (one, other) => one?.toLowerCase() === other?.toLowerCase();
