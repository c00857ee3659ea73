/** Numbers and states as people say them. */

/** @import { Field, Job, Plan, Progress } from "./engine.js" */

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 6) / 10} h`;
}

/** @param {number} seconds */
const about = (seconds) => (seconds < 1 ? duration(seconds) : `about ${duration(seconds)}`);

/** @param {Progress} progress */
export const left = ({ left: seconds }) => (seconds === null ? "" : `${about(seconds)} left`);

/** @param {number} bytes */
export const memory = (bytes) =>
  bytes < 1e9 ? `${Math.max(1, Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

/** @param {number} width @param {number} height */
export const size = (width, height) => `${width} × ${height}`;

/** @param {Plan} plan */
export function planned({ width, height, seconds, memory_bytes: bytes, provider }) {
  const parts = [`${size(width, height)} pixels`];
  if (bytes !== null) parts.push(`${memory(bytes)} of memory`);
  parts.push(`on ${plain(provider)}`);
  const time = seconds === null ? "The first picture tells how long" : about(seconds);
  return { time: time.charAt(0).toUpperCase() + time.slice(1), rest: parts.join(", ") };
}

/** @param {Progress} progress */
export const part = ({ iteration, iterations }) => (iterations ? iteration / iterations : 0);

/** @param {Job} job */
export function title({ photo, paintings }) {
  return `${stem(photo.name)} × ${paintings.map(({ name }) => stem(name)).join(" + ")}`;
}

/** @param {string} name */
const stem = (name) => name.replace(/\.[^.]{1,5}$/, "") || name;

/** @param {Job} job */
export function standing({ state, position, progress, error }) {
  switch (state) {
    case "queued":
      return position && position > 1 ? `Waiting, ${position - 1} before it` : "Waiting, next";
    case "running":
      return progress ? `Painting, ${Math.floor(100 * part(progress))} %` : "Starting";
    case "done":
      return progress ? `Done in ${duration(progress.seconds)}` : "Done";
    case "stopped":
      return progress
        ? `Stopped after ${progress.iteration} of ${progress.iterations} iterations`
        : "Stopped before it began";
    default:
      return error ? "Failed" : "Failed, for an unknown reason";
  }
}

/** @param {Progress} progress */
export function passing(progress) {
  const { iteration, iterations, scale, scales, width, height } = progress;
  const parts = [`Iteration ${iteration} of ${iterations}`, size(width, height)];
  if (scales > 1) parts.push(`scale ${scale} of ${scales}`);
  return [...parts, left(progress)].filter(Boolean).join(" · ");
}

/** @param {Progress} progress */
export const passed = ({ iteration, width, height }) =>
  `${size(width, height)} pixels · ${iteration} iterations`;

/** @param {number} value A loss, or a weight. */
export const short = (value) =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(3)));

/** @type {Record<string, string>} */
const SPELT = {
  coreml: "Core ML",
  cpu: "CPU",
  cuda: "CUDA",
  directml: "DirectML",
  lbfgs: "L-BFGS",
  migraphx: "MIGraphX",
  mse: "MSE",
  openvino: "OpenVINO",
  tensorrt: "TensorRT",
  webgpu: "WebGPU",
};

/** @param {string} name Of an option or of what it may be, as programs write it. */
export function plain(name) {
  if (Object.hasOwn(SPELT, name)) return SPELT[name] ?? name;
  const words = name.replaceAll(/[_-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * What the page calls the options, by the names of their fields.
 *
 * @type {Map<string, string>}
 */
const labels = new Map();

/** @param {Field[]} fields */
export function nameOptions(fields) {
  for (const { name, label } of fields) labels.set(name, label);
}

/** @param {string} name Of an option, even one that the page does not offer. */
export const called = (name) => labels.get(name) ?? plain(name);

/**
 * Call options as the page does: sentences of the engine call them as the command line does.
 *
 * @param {string} sentence
 */
export const readable = (sentence) =>
  sentence.replaceAll(/--([a-z-]+)/g, (option, name) => {
    const label = labels.get(name.replaceAll("-", "_"));
    return label ? `“${label}”` : option;
  });
