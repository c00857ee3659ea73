/** The photo and the paintings: dropped, pasted, chosen, taken, or the examples. */

import { announce } from "./announce.js";
import { make, part, tell } from "./dom.js";

/** @import { Picture } from "./engine.js" */

/**
 * @typedef {object} Chosen
 * @property {Picture} file
 * @property {string} name
 * @property {HTMLImageElement} image
 * @property {Promise<void>} seen Settled when the browser knows its size, or cannot show it.
 */

/** @typedef {"photo" | "paintings"} Kind */

const MOST = 8;
/** Paintings. */

export class Inputs extends EventTarget {
  /** @type {Record<Kind, Chosen[]>} */
  #chosen = { photo: [], paintings: [] };
  #error = part("inputs-error", HTMLElement);

  constructor() {
    super();
    for (const kind of /** @type {const} */ (["photo", "paintings"])) {
      for (const id of [`${kind}-file`, `${kind}-camera`]) {
        const input = part(id, HTMLInputElement);
        input.addEventListener("change", () => {
          this.add([...(input.files ?? [])], kind);
          input.value = ""; // so that the same file can be chosen again
        });
      }
    }
    part("examples", HTMLButtonElement).addEventListener("click", () => this.#takeExamples());
    receiveDrops((files, kind) => this.add(files, kind));
    document.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.add(files);
    });
  }

  get photo() {
    return this.#chosen.photo.at(0);
  }

  get paintings() {
    return this.#chosen.paintings;
  }

  /**
   * Take files. Where nobody says what they are, the first one is the photo, if there is none.
   *
   * @param {Picture[]} files
   * @param {Kind} [kind]
   */
  add(files, kind) {
    tell(this.#error);
    const pictures = files.filter(mayBePicture);
    const other = files.find((file) => !mayBePicture(file));
    if (other) {
      tell(this.#error, `'${other.name}' is no picture. Take a JPEG, PNG, WebP or the like.`);
    }
    for (const file of pictures) {
      this.#place(file, kind ?? (this.photo ? "paintings" : "photo"));
    }
    this.#changed();
    this.dispatchEvent(new Event("added"));
  }

  /**
   * Replace all.
   *
   * @param {Picture} photo
   * @param {Picture[]} paintings
   */
  replace(photo, paintings) {
    for (const kind of /** @type {const} */ (["photo", "paintings"])) {
      for (const each of [...this.#chosen[kind]]) this.#drop(kind, each);
    }
    this.add([photo], "photo");
    this.add(paintings, "paintings");
  }

  /** @param {Picture} file @param {Kind} kind */
  #place(file, kind) {
    const chosen = this.#chosen[kind];
    if (kind === "photo" && chosen[0]) this.#drop(kind, chosen[0]);
    if (chosen.length >= MOST) {
      tell(this.#error, `A picture takes at most ${MOST} paintings. Remove one first.`);
      return;
    }
    const added = shown(file);
    chosen.push(added);
    added.seen.then(() => this.dispatchEvent(new Event("change")));
    announce(`${kind === "photo" ? "Photo" : "Painting"} added: ${added.name}`);
  }

  /** @param {Kind} kind @param {Chosen} chosen */
  #drop(kind, chosen) {
    this.#chosen[kind].splice(this.#chosen[kind].indexOf(chosen), 1);
    URL.revokeObjectURL(chosen.image.src);
  }

  #changed() {
    for (const kind of /** @type {const} */ (["photo", "paintings"])) {
      const chosen = this.#chosen[kind];
      part(`${kind}-frame`, HTMLElement).classList.toggle("empty", !chosen.length);
      part(`${kind}-list`, HTMLElement).replaceChildren(
        ...chosen.map((each) => this.#entry(kind, each)),
      );
    }
    part("examples", HTMLElement).hidden = Boolean(this.photo || this.paintings.length);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Kind} kind @param {Chosen} chosen */
  #entry(kind, chosen) {
    const remove = make("button", {
      type: "button",
      className: "remove",
      textContent: "×",
      title: "Remove",
      "aria-label": `Remove ${chosen.name}`,
    });
    remove.addEventListener("click", () => {
      this.#drop(kind, chosen);
      this.#changed();
      part(`${kind}-file`, HTMLElement).focus();
    });
    const name = make("span", { className: "name", textContent: chosen.name });
    return make("li", {}, chosen.image, name, remove);
  }

  async #takeExamples() {
    try {
      this.replace(await example("photo"), [await example("painting")]);
      part("start", HTMLElement).focus({ preventScroll: true });
    } catch {
      tell(this.#error, "The examples cannot be loaded now. Choose pictures of yours.");
    }
  }
}

/** @param {Picture} file */
const mayBePicture = (file) => !file.type || file.type.startsWith("image/");

/**
 * @param {Picture} file
 * @returns {Chosen}
 */
function shown(file) {
  const name = file.name || "from the clipboard";
  const image = make("img", { alt: name, src: URL.createObjectURL(file) });
  const seen = image.decode().catch(() => {
    image.classList.add("unseen"); // as HEIC in most browsers; the engine may read it
    image.alt = `${name} (this browser cannot show it)`;
  });
  return { file, name, image, seen };
}

/** @param {string} name */
async function example(name) {
  const answer = await fetch(`examples/${name}.webp`);
  if (!answer.ok) throw new Error(answer.statusText);
  return new File([await answer.blob()], `${name}.webp`, { type: "image/webp" });
}

/**
 * Take files that are dropped anywhere; onto a frame, they are what that is for.
 *
 * @param {(files: File[], kind?: Kind) => void} take
 */
function receiveDrops(take) {
  const frames = [part("photo-frame", HTMLElement), part("paintings-frame", HTMLElement)];
  /** @param {EventTarget | null} target */
  const under = (target) =>
    frames.find((frame) => target instanceof Node && frame.contains(target));
  /** @param {HTMLElement} [frame] */
  const mark = (frame) => {
    for (const each of frames) each.classList.toggle("over", each === frame);
  };
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    mark(under(event.target));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark();
  });
  document.addEventListener("drop", (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    mark();
    if (!files.length) return;
    event.preventDefault();
    const frame = under(event.target);
    take(files, frame && (frame === frames[0] ? "photo" : "paintings"));
  });
}
