/* The market of one optimal maker as a plain compiled loop: what Exchange.run is measured against.

   One replication after another, each record of a replication in one run of memory. noise_sd = 1,
   prior N(0, prior_sd^2). The half-spread is read off a table in rho, linearly between its nodes. */

#include <math.h>
#include <stdint.h>

typedef struct {
    uint64_t s[4];
    double spare;
    int has_spare;
} Generator;

typedef struct { /* shape (replications, periods), periods last, as on the tape */
    double *value, *valuation, *bid, *ask;
    int8_t *side;
    double *maker_bid, *maker_ask, *belief_mean, *belief_sd;
    uint8_t *filled;
    double *inventory, *profit;
    double *cash; /* after the last period, shape (replications,) */
} Record;

static uint64_t rotated(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

/* xoshiro256++ of Blackman and Vigna (2021), seeded by splitmix64 */
static uint64_t bits(Generator *g)
{
    uint64_t *s = g->s, result = rotated(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return result;
}

static Generator seeded(uint64_t seed)
{
    Generator g = {.has_spare = 0};
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        g.s[i] = z ^ (z >> 31);
    }
    return g;
}

static double centred(Generator *g) { return (double)(bits(g) >> 11) * 0x1p-52 - 1; }

/* Marsaglia's polar method: normals come in pairs */
static double normal(Generator *g)
{
    double u, v, r;
    if (g->has_spare) {
        g->has_spare = 0;
        return g->spare;
    }
    do {
        u = centred(g);
        v = centred(g);
        r = u * u + v * v;
    } while (r >= 1 || r == 0);
    r = sqrt(-2 * log(r) / r);
    g->spare = v * r;
    g->has_spare = 1;
    return u * r;
}

static double interpolated(double x, int64_t nodes, const double *at, const double *f)
{
    int64_t low = 0, high = nodes - 1;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (at[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return f[low] + (f[high] - f[low]) * (x - at[low]) / (at[high] - at[low]);
}

void run(int64_t replications, int64_t periods, double prior_sd, uint64_t seed, int64_t nodes,
         const double *rho, const double *half_spread, const Record *to)
{
    const double root_half = sqrt(0.5), density_at_0 = 1 / sqrt(2 * acos(-1.0));
    Generator g = seeded(seed);

    for (int64_t r = 0; r < replications; r++) {
        double value = prior_sd * normal(&g), mean = 0, sd = prior_sd, inventory = 0, cash = 0;

        for (int64_t t = 0; t < periods; t++) {
            int64_t i = r * periods + t;
            double half = interpolated(sd, nodes, rho, half_spread);
            double bid = mean - half, ask = mean + half;
            double valuation = value + normal(&g);
            int side = (valuation > ask) - (valuation < bid);
            double price = side > 0 ? ask : bid;

            inventory -= side;
            cash += side * price;

            to->value[i] = value;
            to->valuation[i] = valuation;
            to->bid[i] = to->maker_bid[i] = bid;
            to->ask[i] = to->maker_ask[i] = ask;
            to->side[i] = (int8_t)side;
            to->belief_mean[i] = mean;
            to->belief_sd[i] = sd;
            to->filled[i] = side != 0;
            to->inventory[i] = inventory;
            to->profit[i] = side * (price - value);

            double s = sqrt(1 + sd * sd), k = sd * sd / (s * s), q = half / s;
            double density = density_at_0 * exp(-0.5 * q * q), tail = 0.5 * erfc(q * root_half);
            if (side) {
                double hazard = density / tail;
                mean += side * k * s * hazard;
                sd *= sqrt(1 - k * hazard * (hazard - q));
            } else {
                sd *= sqrt(1 - 2 * k * q * density / (1 - 2 * tail));
            }
        }
        to->cash[r] = cash;
    }
}
