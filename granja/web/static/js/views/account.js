// Registers the name, or changes its password.  It sends the password and forgets it.

import { byId, h, plural, watch } from "./dom.js";
import { openDialog } from "./places.js";
import { NOT_NOW } from "./unsent.js";

export function showAccount(page) {
  const { store, session, commands } = page;
  const [least, most] = commands.limits.password;
  const title = h("h2", { id: "account-title" });
  const text = h("p", { class: "hint" });
  const user = h("input", {
    class: "hidden",
    autocomplete: "username",
    tabindex: "-1",
    readonly: true,
    "aria-hidden": "true",
  });
  const password = h("input", {
    id: "account-password",
    type: "password",
    autocomplete: "new-password",
    required: true,
    "aria-describedby": "account-error",
  });
  const error = h("p", { id: "account-error", class: "error", role: "alert" });
  const form = h(
    "form",
    {},
    title,
    text,
    user,
    h("label", { for: "account-password" }, "Contraseña nueva"),
    password,
    error,
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "primary" }, "Guardar"),
      h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancelar"),
    ),
  );
  const dialog = h(
    "dialog",
    { class: "card small-dialog", "aria-labelledby": "account-title" },
    form,
  );
  document.body.append(dialog);

  page.openAccount = () => {
    const { registered, me } = store.state;
    title.textContent = registered ? "Cambiar tu contraseña" : "Registrar tu nombre";
    text.textContent = registered
      ? `De ${least} a ${most} caracteres. La próxima vez te pediré la nueva.`
      : `Con una contraseña de ${least} a ${most} caracteres, el nombre, la colección y las ofertas siguen siendo tuyos cuando te vas.`;
    user.value = me ?? "";
    password.value = error.textContent = "";
    store.dispatch({ type: "opened" });
    openDialog(dialog);
  };
  byId("account-open").addEventListener("click", page.openAccount);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fault = commands.faultOfPassword(password.value);
    if (fault !== null) {
      error.textContent = wrongLength(fault);
      return;
    }
    const { registered } = store.state;
    const deed = registered ? "registration.change_password" : "registration.register";
    const sent = session.command(deed, password.value);
    error.textContent = sent ? "" : NOT_NOW;
  });
  watch(
    store,
    (state) => state.account,
    (account) => {
      if (!dialog.open || account === null) return;
      error.textContent = account.error ?? "";
      if (account.done) {
        password.value = "";
        dialog.close();
      }
    },
  );
}

/** Cut no password silently: a person who pastes a long one could never type it again. */
function wrongLength({ count, least, most }) {
  return `Tu contraseña tiene ${plural(count, "carácter", "caracteres")}; debe tener entre ${least} y ${most}.`;
}
