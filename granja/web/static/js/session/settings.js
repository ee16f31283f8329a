// What the person has switched on: notifications and a sound.  Both are off at first.  And of whom
// they want to hear nothing while they look elsewhere.

import { recall, remember } from "./memory.js";
import { sameName } from "../model/names.js";

/** The most people who are muted; for one more, the first is forgotten. */
const MOST_MUTED = 200;

class Settings {
  #on = new Set(recall("settings") ?? []);
  #muted = recall("muted") ?? [];

  has(name) {
    return this.#on.has(name);
  }

  set(name, isOn) {
    if (isOn) this.#on.add(name);
    else this.#on.delete(name);
    remember("settings", this.#on.size > 0 ? [...this.#on] : null);
  }

  /** Whether this person does not call the user back: no title, badge, notification or sound. */
  isMuted(name) {
    return this.#muted.some((known) => sameName(known, name));
  }

  mute(name, isMuted) {
    const others = this.#muted.filter((known) => !sameName(known, name));
    this.#muted = isMuted ? [...others, name].slice(-MOST_MUTED) : others;
    remember("muted", this.#muted.length > 0 ? this.#muted : null);
  }
}

export const settings = new Settings();
