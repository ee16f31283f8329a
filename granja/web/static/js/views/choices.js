/** What all dialogs need in which the person picks artifacts. */

import { h, icon, picture } from "./dom.js";
import { fits } from "../model/search.js";

/** @param type "radio" for one choice, "checkbox" for several. */
export function choice(type, group, value, checked, ...content) {
  const input = h("input", { type, name: group, value, checked });
  return h("label", { class: "choice", "data-id": value }, input, ...content);
}

export function artifactChoice(type, group, artifact, copies, checked) {
  return choice(
    type,
    group,
    artifact.id,
    checked,
    picture(artifact),
    h("span", { class: "niche-name" }, artifact.name),
    copies > 1 && h("span", { class: "copies" }, `×${copies}`),
  );
}

/** Show only those artifacts of the list whose name fits the search. */
export function filterChoices(list, catalog, sought) {
  for (const label of list.querySelectorAll("label")) {
    const artifact = catalog.find((known) => String(known.id) === label.dataset.id);
    label.hidden = !fits(artifact, sought);
  }
}

/** The round cross in a dialog's corner.  @param dialog returns the dialog, once there is one. */
export function closeButton(dialog) {
  const attributes = { type: "button", class: "round close", "aria-label": "Cerrar" };
  return h("button", { ...attributes, onclick: () => dialog().close() }, icon("cross"));
}
