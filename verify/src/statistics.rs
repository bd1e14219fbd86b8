//! Exact bounds on counts of failures.

/// ln(n!): summed for small n, by Stirling's series above, which is exact there to the last digits.
fn ln_factorial(n: u64) -> f64 {
    if n < 256 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + series
}

/// The probability that of n trials at least so many fail, if each fails with probability p.
///
/// Where trials have probabilities of their own with mean p, this bounds the probability from above
/// for counts beyond the mean and one (Hoeffding, Annals of Mathematical Statistics 27, 1956).
pub(crate) fn binomial_tail(n: u64, p: f64, at_least: u64) -> f64 {
    if at_least == 0 || p >= 1.0 {
        return 1.0;
    }
    if at_least > n || p <= 0.0 {
        return 0.0;
    }
    let (ln_p, ln_q) = (p.ln(), (-p).ln_1p());
    let mut total = 0.0f64;
    for k in at_least..=n {
        let choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        let term = (choose + k as f64 * ln_p + (n - k) as f64 * ln_q).exp();
        total += term;
        // Beyond the mean, terms fall faster than a geometric series.
        if k as f64 > n as f64 * p && term <= total * 1e-18 {
            break;
        }
    }
    total.min(1.0)
}

/// The chance of refuting a claim that holds, by random runs.
const MIRACLE: f64 = 1.0 / (1u64 << 40) as f64;

/// Runs that may fail, each with a chance of its own at most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stratum {
    pub runs: u64,
    /// The sum of the chances that the claim allows.
    pub expected: f64,
    pub failures: u64,
}

impl Stratum {
    /// Whether so many failures would be a miracle if the claim held.
    fn is_miracle(&self) -> bool {
        let mean = self.expected / self.runs.max(1) as f64;
        self.failures as f64 > self.expected + 1.0
            && binomial_tail(self.runs, mean, self.failures) < MIRACLE
    }
}

/// How many strata there are: each has chances four times as small as the one before, the last the rest.
const STRATA: usize = 16;

/// Runs by the chance of failing that is claimed for them: what fails too often on small operands is not made
/// up for by large ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strata([Stratum; STRATA]);

impl Strata {
    /// Counts a run that may fail with so much chance; its stratum, to count a failure.
    pub fn run(&mut self, chance: f64) -> &mut Stratum {
        let chance = chance.clamp(0.0, 1.0);
        let quarters = -chance.max(f64::MIN_POSITIVE).log2() / 2.0;
        let stratum = &mut self.0[(quarters as usize).min(STRATA - 1)];
        stratum.runs += 1;
        stratum.expected += chance;
        stratum
    }

    /// All runs.
    pub fn all(&self) -> Stratum {
        self.0.iter().fold(Stratum::default(), |sum, one| Stratum {
            runs: sum.runs + one.runs,
            expected: sum.expected + one.expected,
            failures: sum.failures + one.failures,
        })
    }

    /// Runs of which more failed than the claim explains.
    pub fn miracle(&self) -> Option<Stratum> {
        let strata = self.0.iter().copied();
        strata.chain([self.all()]).find(Stratum::is_miracle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_small_binomials_are_exact() {
        for (n, p) in [(1u64, 0.5f64), (7, 0.25), (12, 0.9)] {
            for k in 0..=n + 1 {
                let choose = |j: u64| (0..j).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
                let exact: f64 = (k..=n)
                    .map(|j| choose(j) * p.powi(j as i32) * (1.0 - p).powi((n - j) as i32))
                    .sum();
                assert!(
                    (binomial_tail(n, p, k) - exact).abs() < 1e-12,
                    "{n} {p} {k}"
                );
            }
        }
        // A mean of 1 in 100,000 trials: Poisson, 1 - 2/e for two or more.
        let two = 1.0 - 2.0 / std::f64::consts::E;
        assert!((binomial_tail(100_000, 1e-5, 2) - two).abs() < 1e-5);
        assert!(binomial_tail(100_000, 1e-5, 30) < 1e-30);
        assert_eq!(binomial_tail(10, 0.0, 1), 0.0);
    }

    #[test]
    fn failures_of_small_operands_are_not_hidden_by_large_ones() {
        let mut strata = Strata::default();
        for run in 0..10_000 {
            // Large operands fail as often as claimed, small ones never should in so few runs.
            strata.run(0.25).failures += u64::from(run % 4 == 0);
            strata.run(1.0 / (1u64 << 40) as f64);
        }
        assert!(strata.miracle().is_none());
        strata.run(1.0 / (1u64 << 40) as f64).failures += 2;
        let found = strata.miracle().map(|one| one.failures);
        assert_eq!((found, strata.all().failures), (Some(2), 2_502));
        // Nothing claimed is nothing allowed.
        let mut exact = Strata::default();
        exact.run(0.0).failures += 2;
        assert!(exact.miracle().is_some());
    }
}
