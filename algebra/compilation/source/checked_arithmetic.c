#include <math.h>
#include <stdint.h>

/* Every operation notes in *e what does not fit into 64 bits. */
static inline int64_t add(int64_t x, int64_t y, int *e) { int64_t r; *e |= __builtin_add_overflow(x, y, &r); return r; }
static inline int64_t mul(int64_t x, int64_t y, int *e) { int64_t r; *e |= __builtin_mul_overflow(x, y, &r); return r; }
static inline int64_t absolute(int64_t x, int *e) {
    *e |= x == INT64_MIN;
    return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
}
static inline int64_t floordiv(int64_t x, int64_t y, int *e) {
    if (y == -1) { int64_t r; *e |= __builtin_sub_overflow((int64_t)0, x, &r); return r; }
    int64_t q = x / y;
    return q - ((x % y != 0) & ((x < 0) != (y < 0)));
}
static inline int64_t mod(int64_t x, int64_t y) {
    if (y == -1) return 0;
    int64_t r = x % y;
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static inline int64_t sign(int64_t x) { return (x > 0) - (x < 0); }

static inline int64_t quotient(int64_t x, int64_t y, int *inexact) {
    *inexact |= x % y != 0;
    return x / y;
}

static int64_t intpow(int64_t x, int64_t n, int *e) {
    int64_t r = 1;
    while (n > 0) { if (n & 1) r = mul(r, x, e); n >>= 1; if (n > 0) x = mul(x, x, e); }
    return r;
}

static int64_t comb(int64_t n, int64_t k, int *e) {
    if (k < 0) return 0;
    if (n < 0) { int64_t r = comb(k - n - 1, k, e); return k % 2 ? -r : r; }
    if (k > n) return 0;
    if (k > n - k) k = n - k;
    __int128 r = 1;
    for (int64_t i = 1; i <= k; i++) { r = r * (n - k + i) / i; if (r > INT64_MAX) { *e = 1; return 0; } }
    return (int64_t)r;
}

static int64_t factorial(int64_t n, int *e) {
    int64_t r = 1;
    for (int64_t i = 2; i <= n && !*e; i++) r = mul(r, i, e);
    return n < 0 ? 0 : r;
}

static int64_t ilog(int64_t x, int64_t b) { int64_t n = 0; while (x >= b) { x /= b; n++; } return n; }

static int64_t iroot(int64_t x, int64_t k) {
    int64_t low = 0, high = (int64_t)1 << (62 / k + 1);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        int e = 0;
        if (intpow(middle, k, &e) <= x && !e) low = middle; else high = middle;
    }
    return low;
}

static double binaryentropy(double x) {
    return x <= 0 || x >= 1 ? (x == 0 || x == 1 ? 0 : NAN) : -(x * log2(x) + (1 - x) * log2(1 - x));
}

static inline double signum(double x) { return (double)((x > 0) - (x < 0)); }
