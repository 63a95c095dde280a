// Sets of Unicode code points as sorted places where membership changes.

const end = 0x110000;

/** An immutable set of code points of 0 to 10FFFF. */
export class CodePoints {
  /** [first, behind last, first, behind last, ...], ascending, neighbours apart. */
  readonly #edges: readonly number[];

  private constructor(edges: readonly number[]) {
    this.#edges = edges;
  }

  static readonly none = new CodePoints([]);

  /** The points from `first` to `last`, both in it. */
  static range(first: number, last = first): CodePoints {
    return new CodePoints([first, last + 1]);
  }

  /** The characters of `text`. */
  static of(text: string): CodePoints {
    return CodePoints.any(Array.from(text, (character) => CodePoints.range(character.codePointAt(0) as number)));
  }

  /** Ranges in hexadecimal: '61-7a aa'. */
  static parse(ranges: string): CodePoints {
    const edges = ranges.split(' ').flatMap((range) => {
      const [first, last = first] = range.split('-').map((point) => Number.parseInt(point, 16)) as [number, number?];
      return [first, last + 1];
    });
    return new CodePoints(edges);
  }

  /** Every code point that `belongs` holds for. */
  static where(belongs: (point: number) => boolean): CodePoints {
    const edges: number[] = [];
    let inside = false;
    for (let point = 0; point < end; point++) {
      if (belongs(point) === inside) continue;
      edges.push(point);
      inside = !inside;
    }
    return new CodePoints(inside ? [...edges, end] : edges);
  }

  /** What is in any of `sets`. */
  static any(sets: readonly CodePoints[]): CodePoints {
    const starts = sets.flatMap((set) => set.ranges()).sort((a, b) => a[0] - b[0]);
    const edges: number[] = [];
    for (const [first, behind] of starts) {
      const last = edges.length - 1;
      if (last > 0 && first <= (edges[last] as number)) edges[last] = Math.max(edges[last] as number, behind);
      else edges.push(first, behind);
    }
    return new CodePoints(edges);
  }

  union(other: CodePoints): CodePoints {
    return CodePoints.any([this, other]);
  }

  not(): CodePoints {
    const edges = this.#edges[0] === 0 ? this.#edges.slice(1) : [0, ...this.#edges];
    return new CodePoints(edges.at(-1) === end ? edges.slice(0, -1) : [...edges, end]);
  }

  and(other: CodePoints): CodePoints {
    return this.not().union(other.not()).not();
  }

  /** What is in exactly one of the two. */
  differing(other: CodePoints): CodePoints {
    return this.and(other.not()).union(other.and(this.not()));
  }

  has(point: number): boolean {
    let [low, high] = [0, this.#edges.length]; // how many edges are at or before the point: odd means inside
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#edges[middle] as number) <= point) low = middle + 1;
      else high = middle;
    }
    return low % 2 === 1;
  }

  ranges(): [first: number, behind: number][] {
    return Array.from({ length: this.#edges.length / 2 }, (_, i) => {
      return [this.#edges[2 * i] as number, this.#edges[2 * i + 1] as number];
    });
  }

  /** A class of a JavaScript pattern with flag `u`; the shorter of the set and what is not in it. */
  toPattern(): string {
    const others = this.not();
    const [sign, set] = others.#edges.length < this.#edges.length ? ['^', others] : ['', this];
    return `[${sign}${set.ranges().map(rangePattern).join('')}]`;
  }
}

function rangePattern([first, behind]: [number, number]): string {
  const point = (value: number) => `\\u{${value.toString(16)}}`;
  if (behind - first === 1) return point(first);
  return `${point(first)}-${point(behind - 1)}`;
}
