// Which of the two one sees, the door or the farm, and in which colours.

import { byId, watch } from "./dom.js";
import { recall } from "../session/memory.js";

/** Whether the person stands at the door, or is asked something there once more. */
export const isOutside = (state) => state.phase === "door" || state.step !== null;

export function showScene({ store }) {
  showTheme(recall("theme"));
  watch(store, isOutside, (outside) => {
    byId("door").hidden = !outside;
    byId("farm").hidden = outside;
  });
}

export function showTheme(theme) {
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}
