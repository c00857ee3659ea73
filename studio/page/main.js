/** Ties the views together: the address says which one is shown. */

import { Compose } from "./compose.js";
import { part, tell } from "./dom.js";
import { openEngine } from "./engine.js";
import { Gallery } from "./gallery.js";
import { JobView } from "./job.js";
import { nameOptions, plain, standing, title } from "./words.js";

/** @import { About, Job } from "./engine.js" */

const NAME = document.title;
const NEW = "#new";
const error = part("page-error", HTMLElement);

async function main() {
  const engine = await openEngine();
  const [about, fields] = await Promise.all([engine.about(), engine.fields()]);
  nameOptions(fields);
  showAbout(about);
  const gallery = new Gallery(engine);
  const compose = new Compose(engine, fields, {
    started: (id) => go(`#job/${id}`),
    added() {
      if (part("compose", HTMLElement).hidden) go(NEW);
    },
  });
  const view = new JobView(engine, {
    started: (id) => go(`#job/${id}`),
    changed(job) {
      gallery.take(job);
      entitle(job);
    },
    removed(id) {
      gallery.remove(id);
      go(NEW);
    },
    again(photo, paintings, options) {
      compose.load(photo, paintings, options);
      go(NEW);
    },
  });

  /** Show what the address says; return the heading, unless the address changed meanwhile. */
  const route = async () => {
    const { hash } = location;
    const id = /^#job\/([\w-]+)$/.exec(hash)?.[1] ?? null;
    const found = id !== null && (await shown(view, id));
    if (hash !== location.hash) return null;
    if (!found) {
      view.leave();
      entitle(null);
    }
    part("compose", HTMLElement).hidden = found;
    part("job", HTMLElement).hidden = !found;
    gallery.refresh();
    gallery.mark(found ? id : null);
    return part(found ? "job-title" : "compose-title", HTMLElement);
  };
  skipTo(part("gallery", HTMLElement));
  addEventListener("hashchange", async () => (await route())?.focus());
  await route();
  document.documentElement.dataset["ready"] = "";
}

/** @param {HTMLElement} gallery */
function skipTo(gallery) {
  part("skip", HTMLAnchorElement).addEventListener("click", (event) => {
    event.preventDefault(); // the address names the view
    gallery.focus();
  });
}

/** @param {string} hash */
function go(hash) {
  location.hash = hash;
}

/** @param {JobView} view @param {string} id */
async function shown(view, id) {
  tell(error);
  try {
    await view.show(id);
    return true;
  } catch (problem) {
    tell(error, problem);
    return false;
  }
}

/** @param {Job | null} job */
function entitle(job) {
  document.title = job ? `${standing(job)} – ${title(job)} – ${NAME}` : NAME;
}

/** @param {About} about */
function showAbout({ device, provider, model, offline }) {
  const named = device.toLowerCase().includes(provider.toLowerCase());
  const by = named ? "" : ` (${plain(provider)})`;
  part("about", HTMLElement).textContent = `${model} on ${device}${by}`;
  part("privacy", HTMLElement).textContent = offline
    ? "Your pictures do not leave this browser."
    : "Your pictures do not leave this studio's machine.";
}

main().catch((problem) => tell(error, problem));
