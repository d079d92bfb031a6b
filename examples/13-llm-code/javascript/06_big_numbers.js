const factorial = (n) => (n <= 1n ? 1n : n * factorial(n - 1n));

function fibonacci(n) {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < n; i++) [a, b] = [b, a + b];
  return a;
}

function modPow(base, exp, mod) {
  let result = 1n;
  base %= mod;
  while (exp > 0n) {
    if (exp & 1n) result = (result * base) % mod;
    base = (base * base) % mod;
    exp >>= 1n;
  }
  return result;
}

const gcd = (a, b) => (b === 0n ? a : gcd(b, a % b));

// Miller-Rabin with fixed witnesses (deterministic below 3.3e24)
function isPrime(n) {
  if (n < 2n) return false;
  const witnesses = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n];
  for (const p of witnesses) if (n % p === 0n) return n === p;
  let d = n - 1n;
  let r = 0;
  while (!(d & 1n)) {
    d >>= 1n;
    r++;
  }
  return witnesses.every((a) => {
    let x = modPow(a, d, n);
    if (x === 1n || x === n - 1n) return true;
    for (let i = 1; i < r; i++) {
      x = (x * x) % n;
      if (x === n - 1n) return true;
    }
    return false;
  });
}

console.log("50! =", factorial(50n).toString());
console.log(`typeof 1n is ${typeof 1n}, 2n ** 64n = ${2n ** 64n}`);

const exact = BigInt(input.amount) * 3n;

({
  factorial20: factorial(20n),
  factorialDigits: factorial(100n).toString().length,
  fib100: fibonacci(100).toString(),
  modPow: modPow(3n, 200n, 1_000_000_007n),
  gcd: gcd(1071n, 462n),
  mersenne: [31n, 61n, 67n, 89n].filter((p) => isPrime(2n ** p - 1n)).map(Number),
  exact,
  lossy: Number(exact) === 27021597764222973,
  wrapped: BigInt.asIntN(64, 2n ** 63n),
  hex: (255n << 40n).toString(16),
  precision: 0.1 + 0.2,
  rounding: (1.005).toFixed(2),
  bits: [5 & 3, 5 | 3, 5 ^ 3, ~5, -9 >>> 28, 1 << 31],
  safe: Number.MAX_SAFE_INTEGER,
  parse: [parseInt("0x1f"), parseInt("42px", 10), Number(""), Math.hypot(3, 4), Math.trunc(-7 / 2)],
});
