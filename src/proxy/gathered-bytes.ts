// gathered-bytes.ts: bytes that come in pieces, however small these are.

/** A piece that is kept by itself costs some 400 bytes beside what it holds: a body of 8 MB in chunks of one byte took 3.4 GB. */
const COPIED_BELOW_BYTES = 4_096;
const ROOM_MIN_BYTES = 1_024;
const ROOM_MAX_BYTES = 65_536;
/** As few are found and moved in no time. */
const PIECES_MAX = 256;
const NOTHING = Buffer.alloc(0);

/** Keeps the first piece and large ones as they are, and copies small ones together. Pieces must not change after they were added. */
export class GatheredBytes {
  length = 0;
  #pieces: Buffer[] = [];
  /** Where small pieces are copied to. From `#from` on it is in no piece yet, up to `#to` it is filled. */
  #room = NOTHING;
  #from = 0;
  #to = 0;

  add(piece: Buffer): void {
    this.length += piece.length;
    if (piece.length >= COPIED_BELOW_BYTES || this.#pieces.length === 0) {
      this.#seal();
      this.#pieces.push(piece);
      return;
    }
    const fitting = Math.min(piece.length, this.#room.length - this.#to);
    piece.copy(this.#room, this.#to, 0, fitting);
    this.#to += fitting;
    if (fitting < piece.length) this.#add(piece.subarray(fitting));
  }

  /** All of it. More may come. */
  whole(): Buffer {
    this.#seal();
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces, this.length)];
    return this.#pieces[0]!;
  }

  /** In a new room, as large as what is here already. */
  #add(rest: Buffer): void {
    this.#seal();
    this.#room = Buffer.allocUnsafeSlow(Math.max(rest.length, Math.min(ROOM_MAX_BYTES, Math.max(ROOM_MIN_BYTES, this.length))));
    this.#from = 0;
    this.#to = rest.copy(this.#room);
  }

  #seal(): void {
    if (this.#from === this.#to) return;
    this.#pieces.push(this.#room.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}

/** Puts a piece behind others, of which the first ones may be dropped. Gives the list that holds them: another one where there were too many, in which small ones are joined. */
export function withPiece(pieces: Buffer[], piece: Buffer): Buffer[] {
  pieces.push(piece);
  return pieces.length > PIECES_MAX ? joinedUpTo(ROOM_MAX_BYTES, pieces) : pieces;
}

function joinedUpTo(bytesMax: number, pieces: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = [];
  let from = 0;
  let bytes = 0;
  for (const [i, { length }] of pieces.entries()) {
    if (i > from && bytes + length > bytesMax) {
      joined.push(Buffer.concat(pieces.slice(from, i)));
      [from, bytes] = [i, 0];
    }
    bytes += length;
  }
  joined.push(Buffer.concat(pieces.slice(from)));
  return joined;
}
