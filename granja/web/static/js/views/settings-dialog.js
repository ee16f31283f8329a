// The person's settings, the people they do not hear, and the invitation for others.

import { copyButton } from "./copying.js";
import { h, icon, watch } from "./dom.js";
import { chime } from "./chime.js";
import { addressFor, openDialog } from "./places.js";
import { settings } from "../session/settings.js";

/** The button that opens the settings. */
export function settingsButton(page) {
  const dialog = h(
    "dialog",
    { class: "card small-dialog settings-dialog", "aria-labelledby": "settings-title" },
    h("h2", { id: "settings-title" }, "Ajustes"),
    ...switches(),
    ignoredList(page),
    ...copyButton("Copiar la invitación", () => addressFor({})),
    h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cerrar"),
  );
  document.body.append(dialog);
  const open = () => openDialog(dialog);
  const attributes = { type: "button", class: "round", title: "Ajustes" };
  return h("button", { ...attributes, onclick: open }, icon("settings"));
}

function switches() {
  const trouble = h("p", { class: "error", role: "alert" });
  const say = (sentence) => {
    trouble.textContent = sentence;
  };
  return [
    h("p", { class: "hint" }, "Si estás mirando otra cosa, te aviso de susurros, ofertas y cuando te nombran:"),
    toggle("notifications", "Con una notificación", async (box) => {
      say("");
      if (box.checked && !(await mayNotify())) {
        box.checked = false;
        say("Tu navegador no deja que esta página muestre notificaciones.");
      }
    }),
    toggle("sound", "Con un sonido suave", async (box) => box.checked && chime()),
    trouble,
  ];
}

/** @param before is called after the person's change, and may undo it. */
function toggle(name, label, before) {
  const change = async () => {
    await before(box);
    settings.set(name, box.checked);
  };
  const box = h("input", { type: "checkbox", checked: settings.has(name), onchange: change });
  return h("label", { class: "toggle" }, box, label);
}

async function mayNotify() {
  if (!("Notification" in globalThis)) return false;
  return (await Notification.requestPermission()) === "granted";
}

function ignoredList({ store, session }) {
  const list = h("ul", { class: "ignored-list" });
  const part = h("div", {}, h("h3", {}, "No escuchas a"), list);
  watch(
    store,
    (state) => state.ignored,
    (names) => {
      part.hidden = names.length === 0;
      list.replaceChildren(...names.map((name) => one(name)));
    },
  );
  const one = (name) => {
    const hear = () => session.command("ignoring.hear_again", name);
    const attributes = { type: "button", class: "small", "aria-label": `Escuchar a ${name}` };
    return h("li", {}, h("span", {}, name), h("button", { ...attributes, onclick: hear }, "Escuchar"));
  };
  return part;
}
