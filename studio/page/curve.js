/** The loss over the iterations, on a logarithmic scale. */

import { part } from "./dom.js";
import { short } from "./words.js";

/** @typedef {[number, number]} Point An iteration, and its loss. */

const MOST = 500;
/** Points; of more than these, each other one is left out. */

export class Curve {
  #figure = part("curve", HTMLElement);
  #drawing = part("curve-drawing", SVGSVGElement);
  #line = part("curve-line", SVGPolylineElement);
  /** @type {Point[]} */
  #points = [];
  #iterations = 1;

  /** @param {Point[]} points @param {number} iterations In the end. */
  show(points, iterations) {
    this.#points = [...points];
    this.#iterations = Math.max(1, iterations);
    this.#draw();
  }

  /** @param {Point} point @param {number} iterations In the end. */
  add(point, iterations) {
    this.#iterations = Math.max(1, iterations);
    const last = this.#points.at(-1);
    if (last && point[0] <= last[0]) return; // told again after a break in the connection
    this.#points.push(point);
    if (this.#points.length > MOST) {
      this.#points = this.#points.filter((_, index) => index % 2 === 0);
    }
    this.#draw();
  }

  #draw() {
    const points = this.#points.filter(([, loss]) => loss > 0 && Number.isFinite(loss));
    this.#figure.hidden = points.length < 2;
    if (this.#figure.hidden) return;
    const losses = points.map(([, loss]) => loss);
    const [least, most] = [Math.min(...losses), Math.max(...losses)];
    const range = Math.log(most / least) || 1;
    const { width, height } = this.#drawing.viewBox.baseVal;
    const places = points.map(([iteration, loss]) => [
      (width * iteration) / this.#iterations,
      height * (1 - Math.log(loss / least) / range),
    ]);
    this.#line.setAttribute("points", places.map((each) => each.join(",")).join(" "));
    part("curve-most", HTMLElement).textContent = short(most);
    part("curve-least", HTMLElement).textContent = short(least);
    const [first, last] = [losses[0] ?? 0, losses.at(-1) ?? 0];
    this.#drawing.ariaLabel =
      `Loss on a logarithmic scale: from ${short(first)} at the beginning to ${short(last)} ` +
      `at iteration ${points.at(-1)?.[0]} of ${this.#iterations}; the lowest is ${short(least)}.`;
  }
}
