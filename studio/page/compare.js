/** The picture, large, and under it the photo, which a slider uncovers. */

import { part } from "./dom.js";

export class Compare {
  #figure = part("compare", HTMLElement);
  #picture = part("compare-picture", HTMLImageElement);
  #photo = part("compare-photo", HTMLImageElement);
  #slider = part("compare-slider", HTMLInputElement);
  /** @type {HTMLImageElement | null} The latest that was asked for. */
  #coming = null;

  constructor() {
    this.#slider.addEventListener("input", () => this.#follow());
  }

  /**
   * Begin with the photo of another job.
   *
   * @param {string} photo
   * @param {string} name
   * @param {[number, number]} extent Of the photo, so that nothing jumps.
   */
  begin(photo, name, extent) {
    this.#coming = null;
    this.#picture.hidden = true;
    this.#picture.removeAttribute("src");
    this.#photo.src = photo;
    this.#photo.alt = name;
    this.#fit(...extent);
    this.#slider.hidden = true;
    this.#move(100);
  }

  /**
   * Show a picture once it is there; one that comes late, after a newer one, is left out.
   *
   * @param {string} url
   * @param {string} description
   */
  async show(url, description) {
    const image = (this.#coming = new Image());
    image.src = url;
    const loaded = await image.decode().then(
      () => true,
      () => false,
    );
    if (!loaded || this.#coming !== image) return;
    this.#picture.src = url;
    this.#picture.alt = description;
    this.#fit(image.naturalWidth, image.naturalHeight);
    if (this.#picture.hidden) {
      this.#picture.hidden = false;
      this.#slider.hidden = false;
      this.#move(0);
    }
  }

  /** @param {number} width @param {number} height */
  #fit(width, height) {
    this.#figure.style.setProperty("--ratio", String(width / height || 1));
  }

  /** @param {number} percent Of the photo. */
  #move(percent) {
    this.#slider.value = String(percent);
    this.#follow();
  }

  #follow() {
    const percent = this.#slider.value;
    this.#figure.style.setProperty("--photo", `${percent}%`);
    this.#slider.ariaValueText = `${percent} % photo, ${100 - Number(percent)} % picture`;
  }
}
