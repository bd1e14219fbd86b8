//! The cheapest polynomial that is good enough, or the best that is cheap enough.

use crate::certify::{Uncertified, certify};
use crate::chebyshev::{Domain, Polynomial};
use crate::fixed::{self, Arithmetic, Budget, Form, TooLarge, Work};
use crate::function::Function;
use crate::remez::{Parity, parity, remez};

/// The highest degree that is tried.
pub const HIGHEST: usize = 64;

/// What is asked of an approximation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The whole error is at most this, absolute.
    Within(f64),
    /// This degree.
    Degree(usize),
    /// The best within so many multiplications one after another.
    Depth(u32),
}

/// A polynomial with the proof of its error.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// With the coefficients that are computed with.
    pub polynomial: Polynomial,
    /// The integers that are computed with.
    pub form: Form,
    /// What a call does.
    pub work: Work,
    /// Symmetry around the middle of the domain.
    pub parity: Parity,
    /// Bounds of its error.
    pub budget: Budget,
}

/// No polynomial does what is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Unfit {
    /// The function has no finite value, or no bounded derivatives, near a point of the domain.
    Undefined(Uncertified),
    /// The error asked for is below what any degree reaches.
    Unreachable(Box<Fit>),
    /// More than [`HIGHEST`].
    Degree(usize),
    /// What is computed with exceeds the ring, by so many bits.
    TooLarge(f64),
    /// The domain has only so many values in fixed point, fewer than there are to be pieces.
    Crowded(usize),
}

impl From<TooLarge> for Unfit {
    fn from(TooLarge(bits): TooLarge) -> Self {
        Self::TooLarge(bits)
    }
}

/// Finds the approximation of a function on a domain.
///
/// # Errors
/// See [`Unfit`].
pub fn fit(
    function: &Function,
    domain: Domain,
    goal: Goal,
    arithmetic: Arithmetic,
) -> Result<Fit, Unfit> {
    let search = Search {
        function,
        domain,
        arithmetic,
        parity: parity(function, domain),
    };
    match goal {
        Goal::Degree(degree) if degree > HIGHEST => Err(Unfit::Degree(degree)),
        Goal::Degree(degree) => search.prove(search.sample(degree)?),
        Goal::Depth(depth) => {
            let highest = 1usize.checked_shl(depth).unwrap_or(HIGHEST).min(HIGHEST);
            search.best(highest, 0.0)
        }
        Goal::Within(error) => {
            let fit = search.best(HIGHEST, error)?;
            if fit.budget.total() <= error {
                Ok(fit)
            } else {
                Err(Unfit::Unreachable(Box::new(fit)))
            }
        }
    }
}

/// Whether a number in place of the function would be nearer than what is off by `total`: then the width of the function's range
/// on the domain, which is less than that by more than a few units.
pub fn beyond_range(
    function: &Function,
    domain: Domain,
    total: f64,
    arithmetic: Arithmetic,
) -> Option<f64> {
    let few = 4.0 * arithmetic.unit();
    let points = (0..=1000).map(|i| domain.point(f64::from(i) / 500.0 - 1.0));
    let (low, high) = points.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
        let value = function.at(x);
        (low.min(value), high.max(value))
    });
    if total <= high - low + few {
        return None;
    }
    // What a sample may miss, the proof does not.
    let number = Polynomial {
        domain,
        coefficients: vec![f64::midpoint(low, high)],
    };
    let width = 2.0 * certify(function, &number, arithmetic.unit()).ok()?;
    (total > width + few).then_some(width)
}

/// One function and what is known of it.
struct Search<'a> {
    function: &'a Function,
    domain: Domain,
    arithmetic: Arithmetic,
    parity: Parity,
}

impl Search<'_> {
    /// The first of ascending degrees whose proved error will do, else the one with the least.
    fn best(&self, highest: usize, enough: f64) -> Result<Fit, Unfit> {
        let useful = |d: &usize| match self.parity {
            Parity::None => true,
            Parity::Even => d.is_multiple_of(2),
            Parity::Odd => d % 2 == 1,
        };
        let mut best: Option<Fit> = None;
        let mut unfit = Unfit::Degree(highest);
        for degree in (0..=highest).filter(useful) {
            let sampled = match self.sample(degree) {
                Ok(sampled) => sampled,
                Err(error @ Unfit::TooLarge(_)) => {
                    unfit = error;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let polynomial = sampled.budget.approximation;
            if sampled.budget.total() <= enough {
                let proved = self.prove(sampled.clone())?;
                if proved.budget.total() <= enough {
                    return Ok(proved);
                }
            }
            let least = best.as_ref().map_or(f64::INFINITY, |b| b.budget.total());
            let total = sampled.budget.total();
            if total < least {
                best = Some(sampled);
            }
            if polynomial < least.min(total) / 1024.0 {
                // What is left is the arithmetic's, which a higher degree does not make smaller.
                break;
            }
        }
        self.prove(best.ok_or(unfit)?)
    }

    /// The polynomial of a degree with its error as sampled.
    fn sample(&self, degree: usize) -> Result<Fit, Unfit> {
        let Self {
            function,
            domain,
            arithmetic,
            parity,
        } = *self;
        let undefined = || {
            let points = (0..=1000).map(|i| domain.point(f64::from(i) / 500.0 - 1.0));
            let at = points.into_iter().find(|x| !function.at(*x).is_finite());
            Unfit::Undefined(Uncertified {
                at: at.unwrap_or(domain.middle()),
            })
        };
        let (polynomial, approximation) =
            remez(function, domain, degree, parity).ok_or_else(undefined)?;
        let computed = fixed::computed(&polynomial, arithmetic)?;
        Ok(Fit {
            polynomial: computed.polynomial,
            form: computed.form,
            work: computed.work,
            parity,
            budget: Budget {
                approximation,
                ..computed.budget
            },
        })
    }

    /// The same with its error proved. The proof is about the rounded polynomial; what rounding
    /// changed is told apart.
    fn prove(&self, mut fit: Fit) -> Result<Fit, Unfit> {
        let immaterial = self.arithmetic.unit() / 256.0;
        let proved =
            certify(self.function, &fit.polynomial, immaterial).map_err(Unfit::Undefined)?;
        fit.budget.coefficients = fit.budget.coefficients.min(proved);
        fit.budget.approximation = proved - fit.budget.coefficients;
        Ok(fit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Elementary;
    use crate::tests::sigmoid;

    fn domain(low: f64, high: f64) -> Domain {
        Domain::new(low, high).unwrap()
    }

    #[test]
    fn the_least_degree_that_is_good_enough() {
        let on = domain(-8.0, 8.0);
        let fit_to = |goal| fit(&sigmoid(), on, goal, Arithmetic::default());
        let good = fit_to(Goal::Within(0.01)).unwrap();
        assert_eq!((good.polynomial.degree(), good.parity), (9, Parity::Odd));
        assert!(good.budget.total() <= 0.01);
        assert_eq!(fit_to(Goal::Depth(3)).unwrap().polynomial.degree(), 7);
        let Err(Unfit::Unreachable(best)) = fit_to(Goal::Within(1e-6)) else {
            panic!("16 bits do not reach 1e-6");
        };
        // Hardly more than the last place.
        assert!(best.budget.total() > 1e-6 && best.budget.total() < 2e-5);
        assert_eq!(fit_to(Goal::Degree(65)), Err(Unfit::Degree(65)));
    }

    #[test]
    fn what_exceeds_the_ring_is_refused() {
        let exp = Function::Variable.apply(Elementary::Exp);
        let fit_to = |high, goal| fit(&exp, domain(0.0, high), goal, Arithmetic::default());
        assert!(fit_to(25.0, Goal::Degree(30)).is_ok());
        for goal in [Goal::Degree(30), Goal::Within(1e9), Goal::Depth(5)] {
            let Err(Unfit::TooLarge(bits)) = fit_to(40.0, goal) else {
                panic!("e^40 has 58 bits before the point, and 46 fit");
            };
            assert!((8.0..20.0).contains(&bits), "{bits}");
        }
    }

    #[test]
    fn what_is_worse_than_a_number_is_told() {
        let f = Function::Variable.apply(Elementary::Sin);
        let beyond = |total| beyond_range(&f, domain(-1.0, 1.0), total, Arithmetic::default());
        assert_eq!(beyond(1.0), None);
        assert_eq!(beyond(1.68), None);
        assert!(beyond(1.8).is_some_and(|width| (1.68..1.72).contains(&width)));
        // A peak between the points that are sampled.
        let far = Function::Sub(Function::Variable.into(), Function::number(0.3337).into());
        let square = Function::Mul(
            Function::number(-1e9).into(),
            Function::Power(far.into(), 2).into(),
        );
        let peak = square.apply(Elementary::Exp);
        let beyond = |total| beyond_range(&peak, domain(-1.0, 1.0), total, Arithmetic::default());
        assert_eq!(beyond(0.9), None);
    }

    #[test]
    fn an_undefined_function_is_refused() {
        let ln = Function::Variable.apply(Elementary::Ln);
        let on = domain(-1.0, 1.0);
        let got = fit(&ln, on, Goal::Degree(3), Arithmetic::default());
        assert!(matches!(got, Err(Unfit::Undefined(_))));
    }
}
