// Renders a photo in the manner of a painting, with a model folder of stylize and without Python.
//
//     node stylize.js MODEL PHOTO PAINTING OUT.png [ITERATIONS]
//
// What goes into the graphs and what comes out is told in models/README.md.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

const CONTENT = ["conv4_2"]; // The layers of Gatys et al. (2015).
const STYLE = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];
const ALPHA = 1;
const BETA = 1000;
const HISTORY = 10; // Steps that L-BFGS remembers.

const [folder, photoFile, paintingFile, outFile, iterations = "100"] = process.argv.slice(2);
if (!outFile?.endsWith(".png") || !(Number(iterations) >= 1)) {
  console.error("usage: node stylize.js MODEL PHOTO PAINTING OUT.png [ITERATIONS]");
  process.exit(2);
}
const manifest = JSON.parse(await readFile(join(folder, "model.json"), "utf8"));

const photo = await read(photoFile);
const painting = await read(paintingFile);
const best = await transfer(photo, painting, Number(iterations));
await write(best.best_image, outFile);
console.log(`loss ${best.best_total.data[0]}`);

/** Iterate on the pixels, from the photo on, and return what the optimiser remembers at last. */
async function transfer(photo, painting, iterations) {
  const gradient = await load(
    manifest.gradients.find((each) => looksAt(each, CONTENT, STYLE)),
    photo,
  );
  const optimizer = await load(manifest.optimizers.lbfgs, photo);
  const fixed = {
    ...(await targets(photo, CONTENT, [])),
    ...(await targets(painting, [], STYLE)),
    content_weights: vector([ALPHA]),
    style_weights: vector(STYLE.map(() => BETA / STYLE.length)),
  };
  const state = optimizer.zeros();
  Object.assign(state, { image: photo, best_total: scalar(Infinity), pace: scalar(1) });
  Object.assign(state, { least: scalar(0), most: scalar(1) });

  for (let iteration = 1; iteration <= iterations; iteration++) {
    const found = await gradient.run({ ...fixed, image: state.image });
    const moved = await optimizer.run({ ...state, ...found });
    if (moved.failed.data[0]) throw new Error(`The loss is ${found.total.data[0]}.`);
    for (const [name, tensor] of Object.entries(moved))
      if (name.startsWith("next_")) state[name.slice("next_".length)] = tensor;
    if (iteration % 10 === 0) console.log(`${iteration}: ${found.total.data[0]}`);
  }
  return state;
}

/** Compute what a loss compares with: the photo's responses, or the painting's Gram matrices. */
async function targets(image, content, style) {
  const graph = await load(
    manifest.targets.find((each) => looksAt(each, content, style)),
    image,
  );
  return graph.run({ image });
}

function looksAt({ layers }, content, style) {
  return (
    String(layers.content) === String(content) &&
    String(layers.style) === String(style) &&
    layers.statistics === "gram" &&
    !layers.guided
  );
}

/** Load a graph for images of one size; then it is as fast as one without free dimensions. */
async function load(graph, image) {
  const sizes = dimensions(image);
  const form = (process.arch === "x64" && graph.blocked) || graph; // faster on x86
  const used = graph.inputs.flatMap(({ shape }) => shape).filter((each) => each in sizes);
  const session = await InferenceSession.create(join(folder, form.file), {
    freeDimensionOverrides: Object.fromEntries(used.map((name) => [name, sizes[name]])),
  });
  const shapeOf = ({ shape }) => shape.map((each) => sizes[each] ?? each);
  return {
    run: (given) =>
      session.run(Object.fromEntries(graph.inputs.map(({ name }) => [name, given[name]]))),
    zeros: () => Object.fromEntries(graph.inputs.map((each) => [each.name, zeros(shapeOf(each))])),
  };
}

/** Return the free dimensions of all graphs, by their names. */
function dimensions(image) {
  const [, , height, width] = image.dims;
  const sizes = { height, width, places: HISTORY + 1, rows: 2 * (HISTORY + 1) };
  for (const { name, stride } of manifest.layers) {
    sizes[`${name}_height`] = Math.floor(height / stride);
    sizes[`${name}_width`] = Math.floor(width / stride);
  }
  return sizes;
}

function scalar(value) {
  return new Tensor("float32", [value], []);
}

function vector(values) {
  return new Tensor("float32", values, [values.length]);
}

function zeros(shape) {
  const count = shape.reduce((product, side) => product * side, 1);
  return new Tensor("float32", new Float32Array(count), shape);
}

/** Read a picture as RGB in 0...1, of shape (1, 3, height, width). */
async function read(file) {
  const { data, info } = await sharp(file)
    .rotate() // upright, as its EXIF tells
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const image = zeros([1, 3, info.height, info.width]);
  const pixels = info.height * info.width;
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let channel = 0; channel < 3; channel++)
      image.data[channel * pixels + pixel] = data[info.channels * pixel + channel] / 255;
  return image;
}

async function write(image, file) {
  const [, channels, height, width] = image.dims;
  const pixels = height * width;
  const data = new Uint8ClampedArray(channels * pixels); // rounds, and holds in 0...255
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let channel = 0; channel < channels; channel++)
      data[channels * pixel + channel] = 255 * image.data[channel * pixels + pixel];
  await sharp(data, { raw: { width, height, channels } }).toFile(file);
}
