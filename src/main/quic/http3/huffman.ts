/** The Huffman code of HPACK (RFC 7541 §5.2, Appendix B), which QPACK shares. */

/** Bits of each symbol's code: the 256 octets, then EOS. The code is canonical, so these determine it. */
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
] as const;

const EOS = 256;
const LONGEST = 30;

/** Canonical: shorter codes first, codes of one length in the order of their symbols, each one more than the last. */
export const HUFFMAN_CODES: readonly { readonly code: number; readonly bits: number }[] = (() => {
  const codes: { code: number; bits: number }[] = [];
  let code = 0;
  for (let bits = 1; bits <= LONGEST; bits++) {
    code *= 2;
    LENGTHS.forEach((length, symbol) => {
      if (length === bits) codes[symbol] = { code: code++, bits };
    });
  }
  return codes;
})();

/**
 * The code as a binary tree: entry 2·node + bit is the child node, or −1 − symbol at a leaf. A complete code of 257
 * symbols has 256 inner nodes; the root is node 0, which is nobody's child.
 */
const TREE = (() => {
  const tree = new Int16Array(2 * EOS);
  let nodes = 1;
  HUFFMAN_CODES.forEach(({ code, bits }, symbol) => {
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const at = 2 * node + ((code >>> bit) & 1);
      if (tree[at] === 0) tree[at] = nodes++;
      node = tree[at]!;
    }
    tree[2 * node + (code & 1)] = -1 - symbol;
  });
  return tree;
})();

/** Bytes that `data` takes when encoded. */
export function huffmanSize(data: Uint8Array): number {
  let bits = 0;
  for (const octet of data) bits += LENGTHS[octet]!;
  return Math.ceil(bits / 8);
}

export function huffmanEncode(data: Uint8Array): Buffer {
  const out = Buffer.alloc(huffmanSize(data));
  let at = 0;
  let free = 8;
  for (const octet of data) {
    const { code, bits } = HUFFMAN_CODES[octet]!;
    for (let left = bits; left > 0; ) {
      const taken = Math.min(free, left);
      const piece = (code >>> (left - taken)) & ((1 << taken) - 1);
      out[at]! |= piece << (free - taken);
      left -= taken;
      free -= taken;
      if (free === 0) {
        free = 8;
        at++;
      }
    }
  }
  // RFC 7541 §5.2: padded with the most significant bits of EOS, which are ones.
  if (free < 8) out[at]! |= (1 << free) - 1;
  return out;
}

/** Null when it is not a Huffman string: EOS in it, or padding longer than 7 bits or other than ones (RFC 7541 §5.2). */
export function huffmanDecode(data: Uint8Array): Buffer | null {
  // No code is shorter than five bits.
  const out = Buffer.allocUnsafe(Math.ceil((data.length * 8) / 5));
  let length = 0;
  let node = 0;
  /** Bits since the last symbol, and whether all of them were ones. */
  let pending = 0;
  let ones = true;
  for (const octet of data) {
    for (let shift = 7; shift >= 0; shift--) {
      const bit = (octet >>> shift) & 1;
      const next = TREE[2 * node + bit]!;
      if (next >= 0) {
        node = next;
        pending++;
        ones &&= bit === 1;
        continue;
      }
      const symbol = -1 - next;
      if (symbol === EOS) return null;
      out[length++] = symbol;
      node = 0;
      pending = 0;
      ones = true;
    }
  }
  return pending > 7 || !ones ? null : out.subarray(0, length);
}
