// The arrival: one friendly card for each question of the server.

import { byId, h, watch } from "./dom.js";
import { recall, remember } from "../session/memory.js";
import { artifactsCard, forgetPicked } from "./door-artifacts.js";
import { confirmCard } from "./door-confirm.js";

const CARDS = {
  name: nameCard,
  password: passwordCard,
  artifacts: artifactsCard,
  confirm: confirmCard,
};
const STEPS = [
  ["name", "Nombre"],
  ["artifacts", "Artefactos"],
  ["confirm", "¿Está bien?"],
];

export function showDoor(page) {
  const card = byId("door-card");
  const error = h("p", { id: "door-error", class: "error", role: "alert" });
  const draw = (step) => {
    if (step === null) return;
    error.textContent = "";
    card.className = `card door-card step-${step}`;
    const asArrival = page.store.state.phase !== "inside";
    card.replaceChildren(...(asArrival ? [progress(step)] : []), ...CARDS[step](page), error);
    const first = card.querySelector("[data-first]") ?? card.querySelector("h2");
    // A person who pressed Tab before this frame keeps their place.
    requestAnimationFrame(() => card.contains(document.activeElement) || first?.focus());
  };
  watch(page.store, (state) => state.step, draw);
  watch(
    page.store,
    (state) => state.doorError,
    (sentence) => {
      error.textContent = sentence ?? "";
      markWrong(card.querySelector("[data-first]"), sentence !== null);
    },
  );
  watch(page.store, isBusy, (busy) => card.toggleAttribute("data-busy", busy));
  watch(
    page.store,
    (state) => state.me,
    (me) => me && remember("name", me),
  );
  const held = (state) => (state.phase === "inside" ? state.mine : null);
  watch(page.store, held, (mine) => {
    if (mine === null) return;
    remember("artifacts", mine);
    forgetPicked();
  });
}

/** Who does not see the sentence is led back to what it is about, and hears it there again. */
function markWrong(field, isWrong) {
  if (field === null) return;
  field.setAttribute("aria-invalid", isWrong);
  if (!isWrong) return;
  field.setAttribute("aria-errormessage", "door-error");
  field.focus();
}

const isBusy = (state) => state.link === "connecting" || state.link === "waiting";

function progress(step) {
  const at = step === "password" ? "name" : step;
  const items = STEPS.map(([key, label]) =>
    h("li", { "aria-current": key === at ? "step" : null }, label),
  );
  return h("ol", { class: "steps", "aria-label": "Pasos para entrar" }, ...items);
}

/** A form that gives its field's value to onAnswer. */
function question(field, onAnswer, ...parts) {
  const submit = (event) => {
    event.preventDefault();
    onAnswer(field.value);
  };
  return h("form", { onsubmit: submit }, ...parts);
}

function nameCard({ store, session, commands }) {
  const input = h("input", {
    id: "name",
    name: "name",
    autocomplete: "username",
    autocapitalize: "words",
    spellcheck: "false",
    required: true,
    "data-first": true,
    value: recall("name") ?? "",
    "aria-describedby": "name-hint",
  });
  const hint =
    `De 1 a ${commands.limits.name} letras o números. Si el nombre ya está registrado, te pediré la contraseña.`;
  const go = h("button", { class: "primary wide" }, "Entrar a la granja");
  const answer = (name) => {
    const fault = commands.faultOfName(name);
    if (fault === null) session.answer("name", name.trim());
    else store.dispatch({ type: "refused", error: tooLong(fault) });
  };
  return [
    question(
      input,
      answer,
      h("h2", { tabindex: "-1" }, h("label", { for: "name" }, "¿Cómo te llamas?")),
      input,
      h("p", { id: "name-hint", class: "hint" }, hint),
      go,
    ),
  ];
}

const tooLong = ({ count, most }) =>
  `Ese nombre tiene ${count} caracteres y caben ${most}. Elige uno más corto.`;

function passwordCard({ store, session }) {
  const name = session.name ?? "";
  const user = h("input", {
    class: "hidden",
    name: "username",
    autocomplete: "username",
    value: name,
    readonly: true,
    tabindex: "-1",
    "aria-hidden": "true",
  });
  const input = h("input", {
    id: "password",
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
    "data-first": true,
  });
  const answer = (password) => {
    input.value = "";
    session.answer("password", password);
  };
  const other = h(
    "button",
    { type: "button", class: "link", onclick: () => session.becomeStranger() },
    "Usar otro nombre",
  );
  return [
    question(
      input,
      answer,
      h("h2", { tabindex: "-1" }, `Hola de nuevo, ${name}`),
      h("label", { for: "password" }, "Contraseña"),
      user,
      input,
      h("button", { class: "primary wide" }, store.state.me ? "Volver a entrar" : "Entrar"),
      other,
    ),
  ];
}
