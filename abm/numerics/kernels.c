/* The passes of passes.py in C: the same names, the same operations in the same order.

   Only +, -, *, /, square roots, comparisons and copies are done here, which IEEE 754 makes exact: so the bytes
   are those of passes.py. It is compiled with -ffp-contract=off, for a fused multiply-add rounds
   once where the contract says twice. Arrays are contiguous; compiled.py makes those that are
   written to. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdint.h>

#if INTPTR_MAX != INT64_MAX || FLT_EVAL_METHOD != 0
#error "numbers have other sizes here, or more digits on the way: leave all to NumPy"
#endif

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

typedef int64_t Count;

static const double BEYOND = 1e100, FAR = 5.0, NARROW = 0.5, SQRT_2PI = 2.5066282746310002;

/* NaN where a is: here b is NaN only if a is, too. */
static inline double smaller(double a, double b) { return b < a ? b : a; }
static inline double larger(double a, double b) { return b > a ? b : a; }

#define LANES 32 /* so many pairs of numbers are compared at a time */

/* The least and the largest; both NaN if one is. */
WIDE static void find_span(Count n, const double *restrict x, double *restrict span)
{
    double low[LANES], high[LANES];
    Count missing = 0, whole = n - n % LANES;
    for (int lane = 0; lane < LANES; lane++)
        low[lane] = high[lane] = x[0];
    for (Count i = 0; i < whole; i += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            low[lane] = smaller(low[lane], x[i + lane]);
            high[lane] = larger(high[lane], x[i + lane]);
        }
    for (Count i = whole; i < n; i++) {
        low[0] = smaller(low[0], x[i]);
        high[0] = larger(high[0], x[i]);
    }
    span[0] = low[0];
    span[1] = high[0];
    for (int lane = 1; lane < LANES; lane++) {
        span[0] = smaller(span[0], low[lane]);
        span[1] = larger(span[1], high[lane]);
    }
    for (Count i = 0; i < n; i++)
        missing |= x[i] != x[i];
    if (missing)
        span[0] = span[1] = NAN;
}

WIDE static int are_ordered(Count n, const double *restrict lower, const double *restrict upper)
{
    Count wrong = 0;
    for (Count i = 0; i < n; i++)
        wrong |= !(lower[i] <= upper[i]);
    return wrong == 0;
}

WIDE static void take_sides(Count n, const double *restrict valuation, const double *restrict bid,
                            const double *restrict ask, int8_t *restrict side)
{
    for (Count i = 0; i < n; i++)
        side[i] = (int8_t)((valuation[i] > ask[i]) - (valuation[i] < bid[i]));
}

WIDE static void find_prices(Count n, const int8_t *restrict side, const double *restrict bid,
                             const double *restrict ask, double *restrict price)
{
    for (Count i = 0; i < n; i++)
        price[i] = side[i] > 0 ? ask[i] : side[i] < 0 ? bid[i] : 0.0;
}

WIDE static void find_ends(Count n, const int8_t *restrict side, const double *restrict bid,
                           const double *restrict ask, double *restrict lower,
                           double *restrict upper)
{
    for (Count i = 0; i < n; i++) {
        lower[i] = side[i] > 0 ? ask[i] : side[i] < 0 ? -INFINITY : bid[i];
        upper[i] = side[i] > 0 ? INFINITY : side[i] < 0 ? bid[i] : ask[i];
    }
}

WIDE static void hide_rivals(Count n, const int8_t *restrict side, const double *restrict own_bid,
                             const double *restrict own_ask, const double *restrict inside_bid,
                             const double *restrict inside_ask, const double *restrict at_bid,
                             const double *restrict at_ask, int8_t *restrict seen,
                             double *restrict bid, double *restrict ask)
{
    for (Count i = 0; i < n; i++) {
        int buys = own_bid[i] == inside_bid[i], sells = own_ask[i] == inside_ask[i];
        bid[i] = buys ? at_bid[i] : -INFINITY;
        ask[i] = sells ? at_ask[i] : INFINITY;
        seen[i] = (int8_t)((side[i] > 0 && sells) - (side[i] < 0 && buys));
    }
}

WIDE static int fold_interval(Count n, const double *restrict lower, const double *restrict upper,
                              const double *restrict centre, const double *restrict scale,
                              double *restrict near, double *restrict far, double *restrict middle,
                              double *restrict drop, double *restrict density,
                              double *restrict below, double *restrict above)
{
    Count delicate = 0;
    for (Count i = 0; i < n; i++) {
        double start = smaller(larger((lower[i] - centre[i]) / scale[i], -BEYOND), BEYOND);
        double end = smaller(larger((upper[i] - centre[i]) / scale[i], -BEYOND), BEYOND);
        double first = larger(start, -end), last = larger(end, -start), width = last - first;
        near[i] = first;
        far[i] = last;
        middle[i] = start + end;
        drop[i] = -0.5 * width * (last + first);
        density[i] = -0.5 * first * first;
        below[i] = -fabs(first);
        above[i] = -last;
        delicate |= first > FAR;
        delicate |= width < NARROW;
    }
    return delicate != 0;
}

WIDE static void close_moments(Count n, const double *restrict near, const double *restrict far,
                               const double *restrict middle, const double *restrict drop,
                               const double *restrict density, const double *restrict below,
                               const double *restrict above, double *restrict mean,
                               double *restrict variance)
{
    for (Count i = 0; i < n; i++) {
        double across = 0.5 - copysign(0.5, near[i]);
        double mass = across + copysign(below[i], near[i]) - above[i];
        double ratio = density[i] / SQRT_2PI / mass, fall = ratio * drop[i];
        mean[i] = copysign(fall, middle[i]);
        variance[i] = 1 + ratio * (near[i] - far[i] * (1 + drop[i])) - fall * fall;
    }
}

WIDE static void widen(Count n, const double *restrict sd, double noise_sd, double *restrict wide)
{
    for (Count i = 0; i < n; i++)
        wide[i] = sqrt(sd[i] * sd[i] + noise_sd * noise_sd);
}

WIDE static void tilt_normal(Count n, const double *restrict mean, const double *restrict sd,
                             double noise_sd, const double *restrict scale,
                             const double *restrict m, const double *restrict v,
                             double *restrict moved, double *restrict left)
{
    for (Count i = 0; i < n; i++) {
        double variance = sd[i] * sd[i];
        moved[i] = mean[i] + variance / scale[i] * m[i];
        left[i] = sd[i] * (sqrt(noise_sd * noise_sd + variance * v[i]) / scale[i]);
    }
}

/* The last of cells 0 to `last` whose left node is not above x, or cell 0. */
static Count search_cell(double x, const double *nodes, Count last)
{
    Count low = 0, high = last;
    while (low < high) {
        Count middle = (low + high + 1) / 2;
        if (nodes[middle] <= x)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void evaluate_cubic(Count n, const double *restrict x, Count cells,
                           const double *restrict nodes, const double *restrict coefficients,
                           Count buckets, const int64_t *restrict firsts,
                           const uint8_t *restrict crowded, double *restrict y)
{
    const double *c3 = coefficients, *c2 = c3 + cells, *c1 = c2 + cells, *c0 = c1 + cells;
    double scale = (double)buckets / (nodes[cells] - nodes[0]), last = (double)(buckets - 1);
    for (Count i = 0; i < n; i++) {
        double place = (x[i] - nodes[0]) * scale;
        Count bucket = place > 0 ? (Count)(place < last ? place : last) : 0, cell = firsts[bucket];
        cell += x[i] >= nodes[cell + 1];
        if (crowded[bucket])
            cell = search_cell(x[i], nodes, cells - 1);
        if (cell > cells - 1)
            cell = cells - 1;
        double distance = x[i] - nodes[cell];
        y[i] = ((c3[cell] * distance + c2[cell]) * distance + c1[cell]) * distance + c0[cell];
    }
}

/* What follows takes arrays from Python, by the buffer protocol. */

#define MOST 10

typedef struct {
    Py_buffer views[MOST];
    int held;
    double number; /* that comes after the arrays, if one does */
} Arrays;

typedef struct {
    char type;  /* as the buffer protocol names it: 'd' of doubles, 'b' of int8; '#' of a number */
    int number; /* for each of n; 0 stands for any */
} Kind;

static int has_type(const Py_buffer *view, char type)
{
    if (type == 'l') /* whole numbers of 64 bits have two names */
        return view->itemsize == 8 && (view->format[0] == 'l' || view->format[0] == 'q');
    return view->format[0] == type && view->format[1] == 0;
}

static void release(Arrays *arrays)
{
    while (arrays->held > 0)
        PyBuffer_Release(&arrays->views[--arrays->held]);
}

/* Takes hold of arrays, the first `read` of them to read and the others to write to, and returns n,
   by the number of elements that the first has; -1 is an error: ValueError if an array is of
   another type, or not in one piece, TypeError if one is of another length. A number comes last. */
static Count hold(Arrays *arrays, PyObject *const *given, Py_ssize_t number, Py_ssize_t count,
                  Py_ssize_t read, const Kind *kinds)
{
    Count n = 0;
    arrays->held = 0;
    if (number != count) {
        PyErr_Format(PyExc_TypeError, "%zd arrays are given, but must be %zd", number, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (i < read ? 0 : PyBUF_WRITABLE);
        Py_buffer *view = &arrays->views[i];
        if (kinds[i].type == '#') {
            arrays->number = PyFloat_AsDouble(given[i]);
            if (arrays->number == -1.0 && PyErr_Occurred()) {
                release(arrays);
                return -1;
            }
            continue;
        }
        if (PyObject_GetBuffer(given[i], view, flags)) {
            release(arrays);
            return -1;
        }
        arrays->held++;
        if (!has_type(view, kinds[i].type)) {
            PyErr_Format(PyExc_ValueError, "array %zd is of type %s, but must be of %c", i,
                         view->format, kinds[i].type);
            release(arrays);
            return -1;
        }
        Count size = view->len / view->itemsize;
        if (i == 0)
            n = size / kinds[0].number;
        if (kinds[i].number && size != n * kinds[i].number) {
            PyErr_Format(PyExc_TypeError, "array %zd has %zd elements, but must have %zd", i,
                         (Py_ssize_t)size, (Py_ssize_t)(n * kinds[i].number));
            release(arrays);
            return -1;
        }
    }
    return n;
}

#define AT(i) (arrays.views[i].buf)
#define ROW(i, row) ((double *)AT(i) + (row) * n)
#define D {'d', 1}
#define B {'b', 1}
#define NUMBER {'#', 0}
#define PASS(name, number, read, call, ...)                                                        \
    static PyObject *pass_##name(PyObject *self, PyObject *const *given, Py_ssize_t count)         \
    {                                                                                              \
        static const Kind kinds[] = {__VA_ARGS__};                                                 \
        Arrays arrays;                                                                             \
        int told = 0;                                                                              \
        Count n = hold(&arrays, given, count, number, read, kinds);                                \
        (void)self;                                                                                \
        if (n < 0)                                                                                 \
            return NULL;                                                                           \
        Py_BEGIN_ALLOW_THREADS;                                                                    \
        call;                                                                                      \
        Py_END_ALLOW_THREADS;                                                                      \
        release(&arrays);                                                                          \
        return PyBool_FromLong(told);                                                              \
    }

PASS(are_ordered, 2, 2, told = are_ordered(n, AT(0), AT(1)), D, D)
PASS(take_sides, 4, 3, take_sides(n, AT(0), AT(1), AT(2), AT(3)), D, D, D, B)
PASS(find_prices, 4, 3, find_prices(n, AT(0), AT(1), AT(2), AT(3)), B, D, D, D)
PASS(find_ends, 5, 3, find_ends(n, AT(0), AT(1), AT(2), AT(3), AT(4)), B, D, D, D, D)
PASS(hide_rivals, 10, 7,
     hide_rivals(n, AT(0), AT(1), AT(2), AT(3), AT(4), AT(5), AT(6), AT(7), AT(8), AT(9)),
     B, D, D, D, D, D, D, B, D, D)
PASS(fold_interval, 5, 4,
     told = fold_interval(n, AT(0), AT(1), AT(2), AT(3), ROW(4, 0), ROW(4, 1), ROW(4, 2), ROW(4, 3),
                          ROW(4, 4), ROW(4, 5), ROW(4, 6)),
     D, D, D, D, {'d', 7})
PASS(close_moments, 2, 1,
     close_moments(n, ROW(0, 0), ROW(0, 1), ROW(0, 2), ROW(0, 3), ROW(0, 4), ROW(0, 5), ROW(0, 6),
                   ROW(1, 0), ROW(1, 1)),
     {'d', 7}, {'d', 2})
PASS(widen, 3, 1, widen(n, AT(0), arrays.number, AT(1)), D, D, NUMBER)
PASS(tilt_normal, 7, 4,
     tilt_normal(n, AT(0), AT(1), arrays.number, AT(2), ROW(3, 0), ROW(3, 1), AT(4), AT(5)),
     D, D, D, {'d', 2}, D, D, NUMBER)

static PyObject *pass_find_span(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    static const Kind kinds[] = {D};
    Arrays arrays;
    double span[2];
    Count n = hold(&arrays, given, count, 1, 1, kinds);
    (void)self;
    if (n < 0)
        return NULL;
    if (n > 0)
        find_span(n, AT(0), span);
    release(&arrays);
    if (n == 0)
        return PyErr_Format(PyExc_TypeError, "no numbers are given, but must be at least one");
    return Py_BuildValue("(dd)", span[0], span[1]);
}

static PyObject *pass_evaluate_cubic(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    static const Kind kinds[] = {D, {'d', 0}, {'d', 0}, {'l', 0}, {'?', 0}, D};
    Arrays arrays;
    Count n = hold(&arrays, given, count, 6, 5, kinds);
    (void)self;
    if (n < 0)
        return NULL;
    Count cells = arrays.views[1].len / 8 - 1, buckets = arrays.views[3].len / 8;
    if (cells < 1 || buckets < 1 || arrays.views[2].len != 32 * cells ||
        arrays.views[4].len != buckets) {
        release(&arrays);
        return PyErr_Format(PyExc_TypeError, "%zd nodes and %zd buckets need four coefficients a "
                            "cell, and a flag a bucket", (Py_ssize_t)(cells + 1),
                            (Py_ssize_t)buckets);
    }
    Py_BEGIN_ALLOW_THREADS;
    evaluate_cubic(n, AT(0), cells, AT(1), AT(2), buckets, AT(3), AT(4), AT(5));
    Py_END_ALLOW_THREADS;
    release(&arrays);
    Py_RETURN_FALSE;
}

/* By which text of this file it was compiled. */
static PyObject *pass_find_source(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    (void)self;
    (void)given;
    (void)count;
    return PyUnicode_FromString(SOURCE);
}

#define METHOD(name) {#name, (PyCFunction)(void (*)(void))pass_##name, METH_FASTCALL, NULL}

static PyMethodDef methods[] = {
    METHOD(find_span), METHOD(are_ordered),   METHOD(take_sides),    METHOD(find_prices),
    METHOD(find_ends), METHOD(hide_rivals),   METHOD(fold_interval), METHOD(close_moments),
    METHOD(widen),     METHOD(tilt_normal),   METHOD(evaluate_cubic), METHOD(find_source),
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernels", NULL, 0, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&module); }
