// What the person has switched on: notifications and a sound.  Both are off at first.

import { recall, remember } from "./memory.js";

class Settings {
  #on = new Set(recall("settings") ?? []);

  has(name) {
    return this.#on.has(name);
  }

  set(name, isOn) {
    if (isOn) this.#on.add(name);
    else this.#on.delete(name);
    remember("settings", this.#on.size > 0 ? [...this.#on] : null);
  }
}

export const settings = new Settings();
