// Makes elements.  It puts text only into text nodes and attributes: nothing parses it as markup.

import { hasPicture, slug } from "../model/pictures.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * h("button", {class: "quiet", onclick: f}, "Texto", otherNode): a property that begins with "on"
 * is a listener; true sets an attribute and false leaves it out; the rest are attributes.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** The picture of an artifact {id, name}: only decoration, because its name is beside it. */
export function picture(artifact, properties = {}) {
  const symbol = hasPicture(artifact.name) ? slug(artifact.name) : "generico";
  return drawing(`artifacts.svg#${symbol}`, { class: "picture", ...properties });
}

/** An icon from the page's own set. */
export const icon = (name) => drawing(`icons.svg#${name}`, { class: "icon" });

function drawing(href, properties) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries(properties)) svg.setAttribute(name, value);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", href);
  svg.append(use);
  return svg;
}

/** One of eight colours for a farmer.  The same name always gets the same colour. */
export function tint(name) {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.codePointAt(0)) % 9973;
  return String(sum % 8);
}

export function avatar(name) {
  const initial = [...name.toUpperCase()][0] ?? "?";
  return h("span", { class: "avatar", "data-tint": tint(name), "aria-hidden": "true" }, initial);
}

/** Whether the page has its layout for phones, with one panel at a time. */
export const isNarrow = () => matchMedia("(max-width: 759px)").matches;

const known = new WeakMap(); // list element -> Map of key -> {item, node}

/**
 * Make a list's children fit its items.  It touches only what changed, so that focus, scrolling
 * and screen readers are not disturbed.  An item has changed when it is another object.
 *
 * @param make makes the node of an item: make(item, its earlier node).
 */
export function syncList(list, items, keyOf, make) {
  const hadFocus = list.contains(document.activeElement);
  const after = entriesOf(known.get(list) ?? new Map(), items, keyOf, make);
  known.set(list, after);
  const nodes = new Set([...after.values()].map((entry) => entry.node));
  // First remove what goes: then what stays is already in its place.
  for (const node of [...list.children]) if (!nodes.has(node)) node.remove();
  let cursor = list.firstElementChild;
  for (const node of nodes) {
    if (node === cursor) cursor = cursor.nextElementSibling;
    else list.insertBefore(node, cursor);
  }
  if (hadFocus && !list.contains(document.activeElement)) list.focus();
}

/** Key -> {item, node}, with the earlier nodes for the earlier items. */
function entriesOf(before, items, keyOf, make) {
  const entry = (item) => {
    const kept = before.get(keyOf(item));
    return kept?.item === item ? kept : { item, node: make(item, kept?.node) };
  };
  return new Map(items.map((item) => [keyOf(item), entry(item)]));
}

/** A frame may take this many milliseconds.  After a longer one the page rests. */
const LIGHT = 12;
/** The rest lasts this many times as long as the heavy frame, and at most LONGEST_REST. */
const REST = 3;
const LONGEST_REST = 1000;

/**
 * Run the work at most once a frame, however often it is asked for.  With heavy frames run it
 * less often, so that the page has time to read: the server takes a silent page for gone.
 */
export function paced(work) {
  let asked = false;
  let restsUntil = 0;
  const frame = () =>
    requestAnimationFrame(() => {
      asked = false;
      const begin = performance.now();
      work();
      afterPaint(() => {
        const now = performance.now();
        const took = now - begin;
        restsUntil = took > LIGHT ? now + Math.min(took * REST, LONGEST_REST) : 0;
      });
    });
  return () => {
    if (asked) return;
    asked = true;
    const rest = restsUntil - performance.now();
    if (rest > 0) setTimeout(frame, rest);
    else frame();
  };
}

/** Resolves after the next frame has been painted, or soon where nobody looks and none is. */
export const painted = () =>
  new Promise((resolve) => {
    requestAnimationFrame(() => afterPaint(resolve));
    setTimeout(resolve, 200);
  });

/** A message is delivered after the frame in which it was posted has been painted. */
function afterPaint(work) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    work();
  };
  port2.postMessage(null);
}

/** Call show(value, before) now, and whenever select(state) gives another value. */
export function watch(store, select, show) {
  show(select(store.state), undefined);
  store.subscribe((state, before) => {
    if (select(state) !== select(before)) show(select(state), select(before));
  });
}

/** The same for a long list: show(value) now, and later at the pace of {@link paced}. */
export function watchPaced(store, select, show) {
  const draw = paced(() => show(select(store.state)));
  show(select(store.state));
  store.subscribe((state, before) => select(state) !== select(before) && draw());
}

/** "1 copia", "3 copias". */
export const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;
