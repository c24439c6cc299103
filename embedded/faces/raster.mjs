// SVG to 64x64 pixels and to 64x64 class maps.

import { Resvg } from '@resvg/resvg-js';
import { CLASSES } from './designs.mjs';
import { CLASS_STEP, mapSvg, pictureSvg } from './svg.mjs';

export const SIZE = 64;
const FINER = 4;
const ROUNDING = 4;

/** Looking for fonts on the disk would take longer than the drawing. */
const noFonts = { font: { loadSystemFonts: false } };

const pixels = (svg) => new Resvg(svg, noFonts).render().pixels;

/** RGB bytes; the background covers everything, so alpha can go. */
export function drawPicture(design, attributes) {
  const rgba = pixels(pictureSvg(design, attributes, SIZE));
  const rgb = Buffer.alloc(SIZE * SIZE * 3);
  for (let i = 0; i < SIZE * SIZE; i++) rgba.copy(rgb, i * 3, i * 4, i * 4 + 3);
  return rgb;
}

/** The class that covers most of each pixel, from a drawing FINER times as fine without antialiasing. */
export function drawMap(design, attributes) {
  const fine = SIZE * FINER;
  const rgba = pixels(mapSvg(design, attributes, fine));
  const map = Buffer.alloc(SIZE * SIZE);
  const votes = new Uint8Array(CLASSES.length);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      votes.fill(0);
      for (let dy = 0; dy < FINER; dy++) {
        for (let dx = 0; dx < FINER; dx++) {
          const gray = rgba[((y * FINER + dy) * fine + x * FINER + dx) * 4];
          const nearest = Math.round(gray / CLASS_STEP);
          // Masks round colours a little, and their soft edges leave some between two classes: those do not vote.
          if (Math.abs(gray - nearest * CLASS_STEP) <= ROUNDING) votes[nearest]++;
        }
      }
      map[y * SIZE + x] = votes.indexOf(Math.max(...votes));
    }
  }
  return map;
}
