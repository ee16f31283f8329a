// Registering one's name, or changing its password.  The password is sent and forgotten.

import { byId, h, watch } from "./dom.js";

export function showAccount({ store, session }) {
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
    minlength: "8",
    maxlength: "128",
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

  byId("account-open").addEventListener("click", () => {
    const { registered, me } = store.state;
    title.textContent = registered ? "Cambiar tu contraseña" : "Registrar tu nombre";
    text.textContent = registered
      ? "De 8 a 128 caracteres. La próxima vez te pediré la nueva."
      : "Con una contraseña de 8 a 128 caracteres, el nombre, la colección y las ofertas siguen siendo tuyos cuando te vas.";
    user.value = me ?? "";
    password.value = error.textContent = "";
    store.dispatch({ type: "opened" });
    dialog.showModal();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const word = store.state.registered ? ":clave" : ":registrar";
    const sent = session.command(`${word} ${password.value}`);
    error.textContent = sent ? "" : "Ahora no hay conexión con la granja.";
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
