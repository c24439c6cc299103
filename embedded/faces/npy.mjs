// NumPy's .npy format, version 1.0, for uint8 arrays in C order.

const MAGIC = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);

export function npyHeader(shape) {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  // The data has to start at a multiple of 64 bytes; the text ends with a newline.
  const length = Math.ceil((MAGIC.length + 2 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(length, ' ');
  MAGIC.copy(header);
  header.writeUInt16LE(length - MAGIC.length - 2, MAGIC.length);
  header.write(text, MAGIC.length + 2, 'latin1');
  header[length - 1] = 0x0a;
  return header;
}
