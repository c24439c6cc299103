// From a design and attributes to SVG: the picture itself, or the same drawing in flat class colours for its map.

import { CLASSES, DESIGNS } from './designs.mjs';
import { BACKGROUND } from './palettes.mjs';

/**
 * DiceBear does not say which part of a drawing a shape belongs to, so each part is wrapped in a group that does.
 * The packages export no parts; the folder is read directly.
 */
async function tagParts(design) {
  const parts = await import(`./node_modules/@dicebear/${design.package}/lib/components/index.js`);
  for (const [part, variants] of Object.entries(parts)) {
    for (const [name, draw] of Object.entries(variants)) {
      variants[name] = (...args) => `<g data-part="${part}">${draw(...args)}</g>`;
    }
  }
}
await Promise.all(DESIGNS.map(tagParts));

/** Stands in for DiceBear's generator: every option holds one value, so there is nothing to choose. */
const noChoice = { pick: (list, fallback) => list[0] ?? fallback, bool: (percent) => percent > 0 };

/**
 * Some masks hold their part's own dark colour, which renderers that go by luminance (resvg does) take for nearly
 * transparent: pale mouths, no black beards. White shows what the mask holds either way.
 */
function whitenMasks(svg) {
  return svg.replace(/<mask.*?<\/mask>/gs, (mask) => mask.replace(/fill="[^"]*"/g, 'fill="#fff"'));
}

function drawBody(design, attributes) {
  const options = Object.fromEntries(Object.entries(design.options(attributes))
    .map(([key, value]) => [key, typeof value === 'string' ? [value] : value]));
  const { body, attributes: root } = design.style.create({ prng: noChoice, options });
  const whole = whitenMasks(body);
  return { body: design.finish ? design.finish(whole, attributes) : whole, rendering: root['shape-rendering'] };
}

function wrap(design, body, background, rendering, size) {
  const [x, y, width, height] = design.viewBox.split(' ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${design.viewBox}" width="${size}" height="${size}" fill="none"`
    + ` shape-rendering="${rendering}"><rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${background}"/>`
    + `${body}</svg>`;
}

export function pictureSvg(design, attributes, size) {
  const { body, rendering } = drawBody(design, attributes);
  return wrap(design, body, `#${BACKGROUND[attributes.background]}`, rendering, size);
}

/** Class i is drawn in this gray; read back by dividing the red channel. */
export const CLASS_STEP = 32;
const classColour = (i) => `#${(i * CLASS_STEP).toString(16).padStart(2, '0').repeat(3)}`;

const attribute = (tag, name) => tag.match(new RegExp(` ${name}="([^"]*)"`))?.[1];

/** Shadows and highlights change how a part looks, not what it is. */
function isShade(tag) {
  if (tag.includes('mix-blend-mode')) return true;
  const opacity = Number(attribute(tag, 'opacity') ?? attribute(tag, 'fill-opacity') ?? 1);
  const grey = ['black', 'white', '#000', '#fff'].includes(attribute(tag, 'fill'));
  return opacity < 0.25 || (grey && opacity < 0.45);
}

export function mapSvg(design, attributes, size) {
  const { body } = drawBody(design, attributes);
  const skin = CLASSES.indexOf('skin');
  const classes = [() => skin]; // the class of the groups that are open; what no part claims is the bare head
  let inMask = false;
  const flat = body.replace(/<(\/?)([a-zA-Z]+)([^>]*?)(\/?)>/g, (tag, closing, element, _, selfClosing) => {
    if (element === 'mask') inMask = !closing;
    if (closing) {
      if (element === 'g') classes.pop();
      return tag;
    }
    if (element === 'g') {
      const claimed = design.partClass[attribute(tag, 'data-part')];
      if (claimed === undefined) classes.push(classes.at(-1));
      else classes.push(typeof claimed === 'number' ? () => claimed : (colour) => claimed(attributes, colour));
    }
    if (!inMask && selfClosing && isShade(tag)) return '';
    const opaque = tag.replace(/ (?:fill-)?opacity="[^"]*"/g, '');
    if (inMask) return opaque;
    const classOf = classes.at(-1);
    return opaque
      .replace(/ (fill|stroke)="(?!none)([^"]*)"/g, (_, paint, colour) => ` ${paint}="${classColour(classOf(colour))}"`);
  });
  return wrap(design, flat, classColour(0), 'crispEdges', size);
}
