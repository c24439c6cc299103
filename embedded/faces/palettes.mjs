// Colours by the plain English names that the captions use.

export const SKIN = {
  pale: 'ffe2d1', fair: 'f8cbaa', peach: 'f0b48c', tan: 'dd9e6c',
  olive: 'c08a55', bronze: 'a56a3f', brown: '80492a', 'dark brown': '583222',
};

export const HAIR = {
  black: '1f1b1e', brown: '5e3820', blond: 'ecc75f', red: 'c4481c',
  gray: '95979c', white: 'f3f1ea', blue: '3a6fd8', pink: 'ea78b0',
};

export const CLOTHES = {
  red: 'd3343a', orange: 'f08a2c', yellow: 'f4d03c', green: '359b52',
  blue: '3364d6', purple: '8445ba', white: 'f4f4f4', black: '2a2a30',
};

export const BACKGROUND = {
  'light blue': 'a8d8f0', mint: 'b9e6c9', cream: 'f7ecd0', rose: 'f5c3cc',
  lavender: 'd0c7f0', 'light gray': 'c6cad0', teal: '4a9a98', navy: '31446e',
};

export const EYES = { brown: '4b2422', blue: '2f6fc0', green: '2f8a4e', gray: '7b8794' };

export const GLASSES = { black: '1b1b1f', red: 'b8283a', blue: '2a56b8', brown: '6b4423' };
