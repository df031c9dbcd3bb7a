/** Values of some hundred bytes by name, millions of them: in a few large pieces of memory, where each would otherwise be a thing that the collector looks after. */
export class SeedValues {
  readonly #pieces: Uint8Array[] = [];
  readonly #places = new Map<string, number>();
  /** By the number of units that a place has. */
  readonly #free: number[][] = [];
  #end = 0;

  get size(): number {
    return this.#places.size;
  }

  /** A copy. */
  get(name: string): Uint8Array | undefined {
    const place = this.#places.get(name);
    if (place === undefined) return undefined;
    const { piece, at } = this.#at(place);
    const length = ((piece[at] ?? 0) << 8) | (piece[at + 1] ?? 0);
    return piece.slice(at + headBytes, at + headBytes + length);
  }

  set(name: string, value: Uint8Array): void {
    const units = unitsOf(value);
    let place = this.#places.get(name);
    if (place !== undefined && this.#unitsAt(place) !== units) {
      this.#release(place);
      place = undefined;
    }
    if (place === undefined) {
      place = this.#free[units]?.pop() ?? this.#take(units);
      this.#places.set(name, place);
    }
    const { piece, at } = this.#at(place);
    piece[at] = value.length >> 8;
    piece[at + 1] = value.length & 0xff;
    piece.set(value, at + headBytes);
  }

  delete(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    this.#places.delete(name);
    this.#release(place);
  }

  names(): IterableIterator<string> {
    return this.#places.keys();
  }

  #release(place: number): void {
    (this.#free[this.#unitsAt(place)] ??= []).push(place);
  }

  #unitsAt(place: number): number {
    const { piece, at } = this.#at(place);
    return Math.ceil((headBytes + (((piece[at] ?? 0) << 8) | (piece[at + 1] ?? 0))) / unitBytes);
  }

  /** No value lies in two pieces. */
  #take(units: number): number {
    if (this.#end % unitsOfPiece === 0 || (this.#end % unitsOfPiece) + units > unitsOfPiece) {
      this.#end = this.#pieces.length * unitsOfPiece;
      this.#pieces.push(new Uint8Array(unitsOfPiece * unitBytes));
    }
    const place = this.#end;
    this.#end += units;
    return place;
  }

  #at(place: number): { piece: Uint8Array; at: number } {
    const piece = this.#pieces[Math.floor(place / unitsOfPiece)];
    if (piece === undefined) throw new Error('a value that lies nowhere');
    return { piece, at: (place % unitsOfPiece) * unitBytes };
  }
}

const headBytes = 2;
const unitBytes = 32;
const unitsOfPiece = 1 << 19;

function unitsOf({ length }: Uint8Array): number {
  if (length > 0xffff) throw new Error('a value too large to seed');
  return Math.ceil((headBytes + length) / unitBytes);
}
