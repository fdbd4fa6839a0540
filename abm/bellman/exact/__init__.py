"""An approximate optimum on exact beliefs: a fitted value function and its quotes.

State. On exact beliefs the monopolist's state is her whole posterior. In the Gaussian world it is a
normal, and only its sd counts: `abm.bellman.solver` finds its value W(sd). Here the state is summed
up by sd, skewness s and excess kurtosis k. All is in units of the noise sd.

Value function (`value`). W is corrected for the shape of the posterior,

    U = W(sd) + sum over j of c_j(log sd) * shape_j(s, k),    shapes: 1, s^2, k, k^2, s^2 k

with c_j cubic splines through the sds in KNOTS, zero with zero slope at both ends. U is even in s,
for the market is symmetric in buys and sales. The c_j at the knots are kept in `value.csv`.

One period ahead (`lookahead`). A posterior with weights p at values v, standardised to z, an ask a
and a bid b have the moments

    buy:   M_n(a) = sum of p z^n P(buy at a | v)
    sell:  L_n(b) = sum of p z^n P(sell at b | v)
    none:  what is left,                                n = 0 to 4

from which follow the probability of each signal and the next sd, skewness and kurtosis. The backup
of a quote is its expected profit r plus the discounted expected U of the next posterior. M depends
on the ask alone and L on the bid alone: all pairs of I asks and J bids need I + J sets of moments.

Quotes (`quotes`). The quote of the largest backup is searched for over continuous bid and ask,
measured by their distances from the belief's mean in half-spreads of the Gaussian rule, the optimal
quote of a normal belief with the same sd. The search starts at that rule, or at the best pair of a
scan where the sd is large, and climbs twice, by a step and by a parabola.

Fit (`fit`). Policy iteration on a sample of posteriors, reached under the Gaussian rule on exact
moments with quotes perturbed at random. At each posterior the best quote for the present U has an
expected profit r, and the expected W' and features x' of the next posterior, computed rather than
simulated. With x the features now, U = W + x theta solves U = r + discount E[U'] in the sense of
least-squares temporal differences (Bradtke and Barto 1996, Machine Learning 22, 33-57),

    X^T (X - discount X') theta = X^T (r + discount W' - W)

and then quotes are searched for again, until U converges. `python -m abm.bellman.exact.fit 0.9`
writes the coefficients into `value.csv`.

The scenario `exact-optimum` measures how near U is to the value of its quotes, and how near these
quotes are to the best.
"""
