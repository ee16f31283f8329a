// Knows which artifacts have a picture in artifacts.svg.  It looks for the name, not the number: so
// a farm with another catalog never shows an anchor for a different artifact.

/** The symbol of "Muñeco extraño (verde)" is muneco-extrano-verde. */
export function slug(name) {
  const plain = name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/gu, "-").replace(/^-|-$/gu, "");
}

const DRAWN = new Set([
  "rollo-enano-i",
  "rollo-enano-ii",
  "rollo-enano-iii",
  "rollo-enano-iv",
  "anfora-quebrada",
  "punta-de-flecha",
  "muneco-antiguo",
  "joyeria-elfica",
  "palo-de-mascar",
  "abanico-ornamental",
  "huevo-de-dinosaurio",
  "disco-raro",
  "espada-antigua",
  "cuchara-oxidada",
  "espuela-oxidada",
  "engranaje-oxidado",
  "estatua-de-gallina",
  "semilla-milenaria",
  "herramienta-prehistorica",
  "estrella-de-mar-seca",
  "ancla",
  "trocitos-de-cristal",
  "flauta-de-hueso",
  "hacha-prehistorica",
  "yelmo-enano",
  "dispositivo-enano",
  "tambor-antiguo",
  "mascara-dorada",
  "reliquia-dorada",
  "muneco-extrano-verde",
  "muneco-extrano-amarillo",
  "escapula-prehistorica",
  "tibia-prehistorica",
  "craneo-prehistorico",
  "mano-esqueletica",
  "costilla-prehistorica",
  "vertebra-prehistorica",
  "cola-esqueletica",
  "fosil-de-nautilo",
  "fosil-de-anfibio",
  "fosil-de-palmera",
  "trilobites",
]);

export const hasPicture = (name) => DRAWN.has(slug(name));
