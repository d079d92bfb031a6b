type Shape = readonly [rows: number, columns: number];

class ShapeError extends TypeError {
  static mismatch(a: Shape, b: Shape): ShapeError {
    return new ShapeError(`shapes ${a.join("x")} and ${b.join("x")} do not fit`);
  }
}

export class Matrix implements Iterable<number> {
  private readonly data: Float64Array;

  constructor(public readonly shape: Shape, data?: ArrayLike<number>) {
    this.data = data ? Float64Array.from(data) : new Float64Array(shape[0] * shape[1]);
  }

  static identity(n: number): Matrix {
    const m = new Matrix([n, n]);
    for (let i = 0; i < n; i++) m.data[i * n + i] = 1;
    return m;
  }

  static from(rows: readonly (readonly number[])[]): Matrix {
    return new Matrix([rows.length, rows[0]?.length ?? 0], rows.flat());
  }

  at(r: number, c: number): number {
    return this.data[r * this.shape[1] + c] ?? NaN;
  }

  multiply(other: Matrix): Matrix {
    const [n, k] = this.shape;
    const [k2, m] = other.shape;
    if (k !== k2) throw ShapeError.mismatch(this.shape, other.shape);
    const out = new Matrix([n, m]);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < m; j++) {
        let sum = 0;
        for (let x = 0; x < k; x++) sum += this.at(i, x) * other.at(x, j);
        out.data[i * m + j] = sum;
      }
    return out;
  }

  power(n: number): Matrix {
    if (n === 0) return Matrix.identity(this.shape[0]);
    const half = this.power(n >> 1);
    const square = half.multiply(half);
    return n % 2 ? square.multiply(this) : square;
  }

  get transpose(): Matrix {
    const [rows, columns] = this.shape;
    return new Matrix([columns, rows], Array.from({ length: rows * columns }, (_, i) => this.at(i % rows, Math.floor(i / rows))));
  }

  /** Solves A x = b by Gaussian elimination with partial pivoting. */
  solve(b: readonly number[]): number[] {
    const n = this.shape[0];
    const a = this.toRows().map((row, i) => [...row, b[i]!]);
    for (let col = 0; col < n; col++) {
      let pivot = col;
      for (let r = col + 1; r < n; r++) if (Math.abs(a[r]![col]!) > Math.abs(a[pivot]![col]!)) pivot = r;
      if (Math.abs(a[pivot]![col]!) < 1e-12) throw new RangeError("matrix is singular");
      [a[col], a[pivot]] = [a[pivot]!, a[col]!];
      for (let r = col + 1; r < n; r++) {
        const factor = a[r]![col]! / a[col]![col]!;
        for (let c = col; c <= n; c++) a[r]![c]! -= factor * a[col]![c]!;
      }
    }
    const x = new Array<number>(n).fill(0);
    for (let r = n - 1; r >= 0; r--) {
      x[r] = (a[r]![n]! - x.reduce((s, v, c) => (c > r ? s + a[r]![c]! * v : s), 0)) / a[r]![r]!;
    }
    return x;
  }

  toRows(): number[][] {
    const [rows, columns] = this.shape;
    return Array.from({ length: rows }, (_, r) => Array.from(this.data.subarray(r * columns, (r + 1) * columns)));
  }

  *[Symbol.iterator](): IterableIterator<number> {
    yield* this.data;
  }
}

function errorOf(fn: () => unknown): string {
  try {
    fn();
    return "none";
  } catch (e) {
    return e instanceof Error ? `${e.name}: ${e.message}` : String(e);
  }
}

const fib = Matrix.from([[1, 1], [1, 0]]);
const grid = Matrix.from([[1, 2, 3], [4, 5, 6]]);

console.log("fib(50) =", fib.power(50).at(0, 1));
console.log(grid.transpose.toRows());

const result = {
  fib: fib.power(50).at(0, 1),
  product: grid.multiply(grid.transpose).toRows(),
  solution: Matrix.from([[2, 1, -1], [-3, -1, 2], [-2, 1, 2]]).solve([8, -11, -3]).map((v) => Math.round(v * 1e9) / 1e9),
  sum: [...grid].reduce((a, b) => a + b),
  mismatch: errorOf(() => grid.multiply(grid)),
  singular: errorOf(() => Matrix.from([[1, 2], [2, 4]]).solve([1, 2])),
  typeError: new ShapeError("x") instanceof TypeError,
  raw: new Uint8Array(new Float64Array([1]).buffer),
};
