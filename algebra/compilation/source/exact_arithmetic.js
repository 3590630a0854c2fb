/* A number is a BigInt, or a fraction in lowest terms that is none. */
function fraction(top, bottom) {
  return Object.freeze({top, bottom, toString() { return `${top}/${bottom}`; }});
}

function quotient(x, y) {
  let top = topOf(x) * bottomOf(y), bottom = bottomOf(x) * topOf(y);
  if (top % bottom === 0n) return top / bottom;
  if (bottom < 0n) [top, bottom] = [-top, -bottom];
  const divisor = commonDivisor(top < 0n ? -top : top, bottom);
  return fraction(top / divisor, bottom / divisor);
}

function topOf(x) { return typeof x === "bigint" ? x : x.top; }

function bottomOf(x) { return typeof x === "bigint" ? 1n : x.bottom; }

function commonDivisor(x, y) {
  while (y) [x, y] = [y, x % y];
  return x;
}

function plus(...parts) {
  return parts.reduce((x, y) => typeof x === "bigint" && typeof y === "bigint" ? x + y
    : quotient(topOf(x) * bottomOf(y) + topOf(y) * bottomOf(x), bottomOf(x) * bottomOf(y)));
}

function times(...parts) {
  return parts.reduce((x, y) => typeof x === "bigint" && typeof y === "bigint" ? x * y
    : quotient(topOf(x) * topOf(y), bottomOf(x) * bottomOf(y)));
}

function difference(x, y) { return topOf(x) * bottomOf(y) - topOf(y) * bottomOf(x); }

function floorDivide(x, y) {
  const top = topOf(x) * bottomOf(y), bottom = bottomOf(x) * topOf(y), whole = top / bottom;
  return top % bottom !== 0n && (top < 0n) !== (bottom < 0n) ? whole - 1n : whole;
}

function remainder(x, y) { return plus(x, times(-floorDivide(x, y), y)); }

function largest(...parts) { return parts.reduce((x, y) => difference(x, y) < 0n ? y : x); }

function smallest(...parts) { return parts.reduce((x, y) => difference(y, x) < 0n ? y : x); }

function absolute(x) { return topOf(x) < 0n ? times(-1n, x) : x; }

function sign(x) { return topOf(x) > 0n ? 1n : topOf(x) < 0n ? -1n : 0n; }

function power(x, n) {
  for (const part of [topOf(x), bottomOf(x)]) {
    if (Number(n) * (bitLength(part) - 1) > 1e8) throw new RangeError("a power has more than a hundred million bits");
  }
  return typeof x === "bigint" ? x ** n : fraction(x.top ** n, x.bottom ** n);
}

function bitLength(x) {
  const digits = (x < 0n ? -x : x).toString(16);
  return 4 * digits.length - Math.clz32(parseInt(digits[0], 16)) + 28;
}

function comb(n, k) {
  if (k < 0n) return 0n;
  if (n < 0n) return (k % 2n ? -1n : 1n) * comb(k - n - 1n, k);
  if (k > n) return 0n;
  if (k > n - k) k = n - k;
  let found = 1n;
  for (let i = 1n; i <= k; i++) found = found * (n - k + i) / i;
  return found;
}

function factorial(n) {
  let found = n < 0n ? 0n : 1n;
  for (let i = 2n; i <= n; i++) found *= i;
  return found;
}

function integerLogarithm(x, base) {
  let found = 0n;
  for (let level = base; level <= x; level *= base) found++;
  return found;
}

function integerRoot(x, degree) {
  let low = 0n, high = 1n << (BigInt(bitLength(x)) / degree + 1n);
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** degree <= x) low = middle; else high = middle;
  }
  return low;
}

/* The double nearest to x / y, ties to even; infinite where there is none so large. */
function ratio(x, y) {
  let top = topOf(x) * bottomOf(y), bottom = bottomOf(x) * topOf(y);
  const negative = (top < 0n) !== (bottom < 0n);
  if (top < 0n) top = -top;
  if (bottom < 0n) bottom = -bottom;
  if (top === 0n) return 0;
  const shift = Math.min(64 - bitLength(top) + bitLength(bottom), 1076);
  if (shift > 0) top <<= BigInt(shift); else bottom <<= BigInt(-shift);
  let whole = top / bottom;
  if (top % bottom) whole |= 1n;
  if (shift === 1076 && whole < 1n << 55n) whole = whole + 1n + (whole >> 2n & 1n) >> 2n << 2n;
  const half = Math.trunc(shift / 2), value = Number(whole) * 2 ** -half * 2 ** (half - shift);
  return negative ? -value : value;
}

function logarithmOfRatio(x, y) {
  if (topOf(x) <= 0n) return topOf(x) === 0n ? -Infinity : NaN;
  const value = ratio(x, y);
  if (value > 0 && value < Infinity) return Math.log(value);
  return logarithmOfInteger(topOf(x)) - logarithmOfInteger(bottomOf(x)) - logarithmOfInteger(y);
}

function logarithmOfInteger(x) {
  const shift = Math.max(bitLength(x) - 1000, 0);
  return Math.log(Number(x >> BigInt(shift))) + shift * Math.LN2;
}

function realPower(x, y) {
  if (x === 1 || y === 0) return 1;
  if (x === 0 && y < 0) return NaN;
  return Math.pow(x, y);
}

function signum(x) { return (x > 0) - (x < 0); }

function logarithm(x) { return x > 0 ? Math.log(x) : NaN; }

function arctanh(x) { return Math.abs(x) < 1 ? Math.atanh(x) : NaN; }

function binaryentropy(x) {
  if (!(x > 0 && x < 1)) return x === 0 || x === 1 ? 0 : NaN;
  return -(x * Math.log2(x) + (1 - x) * Math.log2(1 - x));
}

function digamma(x) {
  if (!(x > 0)) return NaN;
  let shift = 0;
  for (; x < 12; x++) shift -= 1 / x;
  const inverse = 1 / (x * x);
  const series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse / 132))));
  return shift + Math.log(x) - 0.5 / x - series;
}

/* Lanczos's rational approximation with g = 6.0246800407767296; it grows like gamma(x) exp(x + g - 1/2) / (x + g - 1/2)^(x - 1/2). */
function lanczos(x) {
  const top = [23531376880.410759, 42919803642.649099, 35711959237.355668, 17921034426.037210, 6039542586.3520280,
    1439720407.3117217, 248874557.86205416, 31426415.585400194, 2876370.6289353724, 186056.26539522350,
    8071.6720023658162, 210.82427775157935, 2.5066282746310003];
  const bottom = [0, 39916800, 120543840, 150917976, 105258076, 45995730, 13339535, 2637558, 357423, 32670, 1925, 66, 1];
  let up = 0, down = 0;
  if (x < 5) {
    for (let k = 12; k >= 0; k--) { up = up * x + top[k]; down = down * x + bottom[k]; }
  } else {
    for (let k = 0; k <= 12; k++) { up = up / x + top[k]; down = down / x + bottom[k]; }
  }
  return up / down;
}

function loggamma(x) {
  if (x === Infinity) return x;
  if (!(x > 0)) return NaN;
  if (x === 1 || x === 2) return 0;
  const g = 6.0246800407767296;
  return x < 1e-20 ? -Math.log(x) : Math.log(lanczos(x)) - g + (x - 0.5) * (Math.log(x + g - 0.5) - 1);
}

function gamma(x) {
  if (!(x > 0)) return NaN;
  if (x > 171.7) return Infinity;
  if (Number.isInteger(x)) {
    let found = 1n;
    for (let k = 2n; k < BigInt(x); k++) found *= k;
    return Number(found);
  }
  if (x < 1e-20) return 1 / x;
  const y = x + 6.0246800407767296 - 0.5, half = Math.pow(y, x / 2 - 0.25);
  return lanczos(x) / Math.exp(y) * half * half;
}

function erf(x) {
  const size = Math.abs(x);
  let value = 1;
  if (size < 3) {
    let term = size, sum = size;
    for (let n = 1; term > 1e-18 * sum; n++) sum += term *= 2 * size * size / (2 * n + 1);
    value = 2 / Math.sqrt(Math.PI) * Math.exp(-size * size) * sum;
  } else if (size < 7) {
    let rest = 0;
    for (let k = 60; k > 0; k--) rest = k / 2 / (size + rest);
    value = 1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + rest);
  }
  return x < 0 ? -value : Number.isNaN(x) ? NaN : value;
}
