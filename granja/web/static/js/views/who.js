// On an artifact's card: who gives it, who seeks it, and buttons to offer or to leave a swap.

import { h, icon, watch } from "./dom.js";
import { sides } from "../model/swaps.js";
import { sameName } from "../model/names.js";

/** How many people get a button.  The card only names the rest. */
const BUTTONS = 6;

/**
 * The part of the card about other people.  The page asks the server when it makes this part.
 * @param close is called before something else opens.
 */
export class Who {
  node = h("div", { class: "who", role: "status" });
  #page;
  #close;
  #artifact = null;

  constructor(page, close) {
    this.#page = page;
    this.#close = close;
    watch(
      page.store,
      (state) => state.swaps.who,
      (who) => who !== null && who.artifact.id === this.#artifact?.id && this.#draw(who),
    );
  }

  show(artifact) {
    this.#artifact = artifact;
    this.node.replaceChildren();
    const { store, session } = this.#page;
    store.dispatch({ type: "asking-swaps", about: ["who"] });
    if (!session.command("wishes.show_who", artifact.id)) store.dispatch({ type: "forgot-swaps" });
  }

  #draw({ artifact, givers, seekers, more }) {
    const { me, mine } = this.#page.store.state;
    const others = (names) => names.filter((name) => !sameName(name, me));
    const has = (mine[artifact.id] ?? 0) > 0;
    const ask = (whom) => ({ whom, theirs: artifact.id });
    const give = (whom) => ({ whom, mine: artifact.id });
    this.node.replaceChildren(
      this.#people("Lo da", others(givers), more.givers, has ? null : ask, "Pedírselo a"),
      this.#people("Lo busca", others(seekers), more.seekers, has ? give : null, "Ofrecérselo a"),
      h("div", { class: "buttons stacked" }, this.#swapButton(artifact, has)),
    );
  }

  #people(title, names, more, choiceFor, label) {
    const rest = more > 0 ? ` y ${more} más` : "";
    if (choiceFor === null || names.length === 0) {
      return h("p", {}, h("strong", {}, `${title}: `), `${names.join(", ") || "nadie"}${rest}`);
    }
    const press = (name) => () => {
      this.#close();
      this.#page.offerDialog.open(choiceFor(name));
    };
    const buttons = names.slice(0, BUTTONS).map((name) =>
      h(
        "button",
        { type: "button", class: "small", onclick: press(name), "aria-label": `${label} ${name}` },
        icon("trade"),
        name,
      ),
    );
    const others = names.slice(BUTTONS).join(", ");
    return h(
      "div",
      { class: "who-people" },
      h("strong", {}, `${title}: `),
      ...buttons,
      others && `, ${others}`,
      rest,
    );
  }

  /** With second copies, one press is enough.  Without, the person picks what to give. */
  #swapButton(artifact, has) {
    const { session, swapDialog, store } = this.#page;
    const spares = Object.entries(store.state.mine)
      .filter(([, copies]) => copies > 1)
      .map(([id]) => id);
    const pick = () => {
      this.#close();
      swapDialog.open(has ? { gives: [artifact.id] } : { takes: [artifact.id] });
    };
    const post = () => {
      session.command("swaps.post", sides(["repetidos"], [artifact.id]));
      this.#close();
    };
    const isQuick = !has && spares.length > 0;
    const label = isQuick
      ? "Pedirlo por uno de mis repetidos, a quien sea"
      : has
        ? "Cambiarlo con quien sea"
        : "Pedirlo con quien sea";
    const attributes = { type: "button", class: "quiet", onclick: isQuick ? post : pick };
    return h("button", attributes, icon("trade"), label);
  }
}
