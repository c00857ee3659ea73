/** The view where the next picture is prepared: inputs, options, the plan, the start. */

import { announce } from "./announce.js";
import { attempt, make, part, tell } from "./dom.js";
import { Form } from "./form.js";
import { Inputs } from "./inputs.js";
import { planned, readable } from "./words.js";

/** @import { Engine, Field, Picture, Values } from "./engine.js" */
/** @import { Chosen } from "./inputs.js" */

const PAUSE = 250;
/** Milliseconds without a change, after which the plan is asked for. */

export class Compose {
  #inputs = new Inputs();
  #form;
  #engine;
  #started;
  #error = part("start-error", HTMLElement);
  #waiting = 0;
  #asked = 0;

  /**
   * @param {Engine} engine
   * @param {Field[]} fields
   * @param {{started: (id: string) => void, added: () => void}} calls What the page does then;
   *   pictures may be added by a drop or from the clipboard, whatever view is shown.
   */
  constructor(engine, fields, { started, added }) {
    this.#engine = engine;
    this.#started = started;
    this.#form = new Form(fields, {
      picture: part("fields-picture", HTMLElement),
      look: part("fields-look", HTMLElement),
      more: part("fields-more", HTMLElement),
    });
    part("more", HTMLElement).hidden = !fields.some(({ group }) => group === "more");
    const reset = part("reset", HTMLButtonElement);
    reset.addEventListener("click", () => {
      this.#form.set({});
      announce("All options have their defaults again.");
    });
    for (const source of [this.#form, this.#inputs]) {
      source.addEventListener("change", () => {
        reset.hidden = !Object.keys(this.#form.values).length;
        tell(this.#error);
        this.#replan();
      });
    }
    this.#inputs.addEventListener("added", added);
    part("options", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      attempt(part("start", HTMLButtonElement), this.#error, () => this.#start());
    });
  }

  /**
   * Take the inputs and options of another picture.
   *
   * @param {Picture} photo
   * @param {Picture[]} paintings
   * @param {Values} values
   */
  load(photo, paintings, values) {
    this.#inputs.replace(photo, paintings);
    this.#form.set(values);
  }

  async #start() {
    const { photo, paintings } = this.#inputs;
    if (!photo) throw missing("photo", "There is no photo yet. Drop one, or choose one.");
    if (!paintings.length) {
      throw missing("paintings", "There is no painting yet. Drop one, or choose one.");
    }
    const options = this.#form.values;
    const files = paintings.map(({ file }) => file);
    this.#started(await this.#engine.start({ photo: photo.file, paintings: files, options }));
  }

  #replan() {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#plan(), PAUSE);
  }

  async #plan() {
    const { photo, paintings } = this.#inputs;
    const pictures = photo ? [photo, ...paintings] : [];
    const number = ++this.#asked;
    await Promise.all(pictures.map(({ seen }) => seen));
    const known = pictures.every(({ image }) => image.naturalWidth);
    const valid = part("options", HTMLFormElement).checkValidity();
    if (!photo || !paintings.length || !known || !valid) return showPlan(null);
    try {
      const plan = await this.#engine.plan({
        photo: extent(photo),
        paintings: paintings.map(extent),
        options: this.#form.values,
      });
      if (number === this.#asked) showPlan(plan && planned(plan), plan?.remarks);
    } catch (error) {
      if (number !== this.#asked) return;
      showPlan(null);
      tell(this.#error, error);
    }
  }
}

/** @param {"photo" | "paintings"} kind @param {string} sentence */
function missing(kind, sentence) {
  part(`${kind}-file`, HTMLElement).focus();
  return new Error(sentence);
}

/** @param {Chosen} chosen @returns {[number, number]} */
const extent = ({ image }) => [image.naturalWidth, image.naturalHeight];

/**
 * @param {{time: string, rest: string} | null} words
 * @param {string[]} [remarks]
 */
function showPlan(words, remarks = []) {
  part("plan", HTMLElement).hidden = !words;
  part("plan-time", HTMLElement).textContent = words?.time ?? "";
  part("plan-rest", HTMLElement).textContent = words?.rest ?? "";
  part("plan-remarks", HTMLElement).replaceChildren(
    ...remarks.map((remark) => make("li", { textContent: readable(remark) })),
  );
}
