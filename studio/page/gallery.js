/** All pictures that were made, and those that will be, on a wall. */

import { make, part, tell } from "./dom.js";
import { standing, title } from "./words.js";

/** @import { Engine, Job } from "./engine.js" */

const MANY = 24;
/** Jobs of one request. */
const PAUSE = 2500;
/** Milliseconds between requests while something is queued or running. */
const ACTIVE = new Set(["queued", "running"]);

/**
 * @typedef {object} Card
 * @property {Job} job
 * @property {HTMLLIElement} element
 * @property {HTMLAnchorElement} link
 * @property {HTMLImageElement} image
 * @property {HTMLElement} name
 * @property {HTMLElement} state
 * @property {string} shown What the image shows: of the same it is not asked for again.
 */

export class Gallery {
  #engine;
  #wall = part("wall", HTMLElement);
  #more = part("older", HTMLButtonElement);
  #error = part("gallery-error", HTMLElement);
  /** @type {Map<string, Card>} */
  #cards = new Map();
  #waiting = 0;
  /** Whether older jobs than the newest were asked for. */
  #paged = false;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
    this.#more.addEventListener("click", () => this.#older());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.refresh();
    });
  }

  /** Ask for the newest jobs, and again while some of them change. */
  async refresh() {
    clearTimeout(this.#waiting);
    try {
      const jobs = await this.#engine.jobs({ limit: MANY });
      tell(this.#error);
      this.#forget(jobs);
      for (const job of jobs) this.take(job);
      if (!this.#paged) this.#more.hidden = jobs.length < MANY;
    } catch (error) {
      tell(this.#error, error);
    }
    const waits = [...this.#cards.values()].some(({ job }) => ACTIVE.has(job.state));
    if ((waits || !this.#error.hidden) && !document.hidden) {
      this.#waiting = setTimeout(() => this.refresh(), PAUSE);
    }
  }

  /** @param {Job} job */
  take(job) {
    const card = this.#cards.get(job.id) ?? this.#hang(job);
    card.job = job;
    card.name.textContent = title(job);
    card.state.textContent = standing(job);
    card.state.hidden = job.state === "done";
    card.element.dataset["state"] = job.state;
    this.#paint(card);
    this.#count();
  }

  /** @param {string} id */
  remove(id) {
    this.#cards.get(id)?.element.remove();
    this.#cards.delete(id);
    this.#count();
  }

  /** @param {string | null} id Of the job in view. */
  mark(id) {
    for (const { job, link } of this.#cards.values()) {
      link.ariaCurrent = job.id === id ? "true" : null;
    }
  }

  #count() {
    part("gallery", HTMLElement).hidden = !this.#cards.size;
  }

  /**
   * Take away what is no more: newer than the oldest of those that are, and not among them.
   *
   * @param {Job[]} jobs
   */
  #forget(jobs) {
    const there = new Set(jobs.map(({ id }) => id));
    const oldest = jobs.at(-1)?.created ?? "";
    for (const { job } of [...this.#cards.values()]) {
      if (job.created > oldest && !there.has(job.id)) this.remove(job.id);
    }
  }

  /**
   * @param {Job} job
   * @returns {Card}
   */
  #hang(job) {
    const image = make("img", { alt: "", loading: "lazy" });
    const name = make("span", { className: "name" });
    const state = make("span", { className: "state" });
    const link = make("a", { href: `#job/${job.id}` }, image, name, state);
    const element = make("li", {}, link);
    const card = { job, element, link, image, name, state, shown: "" };
    element.dataset["created"] = job.created;
    const others = [...this.#wall.querySelectorAll("li")];
    const next = others.find(({ dataset }) => (dataset["created"] ?? "") < job.created);
    this.#wall.insertBefore(element, next ?? null);
    this.#cards.set(job.id, card);
    return card;
  }

  /** @param {Card} card */
  async #paint(card) {
    const { id, picture, preview_version: version, state } = card.job;
    const wanted = picture ? `${version} ${ACTIVE.has(state)}` : "photo";
    if (card.shown === wanted) return;
    card.shown = wanted;
    card.image.src = await (picture ? this.#engine.pictureUrl(id) : this.#engine.photoUrl(id));
  }

  async #older() {
    const oldest = [...this.#cards.values()].map(({ job }) => job).reduce(older);
    try {
      const jobs = await this.#engine.jobs({ before: oldest.id, limit: MANY });
      const fresh = jobs.filter(({ id }) => !this.#cards.has(id));
      for (const job of fresh) this.take(job);
      this.#paged = true;
      this.#more.hidden = jobs.length < MANY || !fresh.length;
    } catch (error) {
      tell(this.#error, error);
    }
  }
}

/** @param {Job} one @param {Job} other */
const older = (one, other) => (one.created <= other.created ? one : other);
