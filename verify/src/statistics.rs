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
}
