//! The function to approximate: an expression in one variable.

use crate::interval::Interval;
use crate::jet::Jet;

/// An expression in one real variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// The argument.
    Variable,
    /// A number, given by an interval around it: decimals are not doubles.
    Constant(Interval),
    /// f + g.
    Add(Box<Self>, Box<Self>),
    /// f - g.
    Sub(Box<Self>, Box<Self>),
    /// f g.
    Mul(Box<Self>, Box<Self>),
    /// f / g.
    Div(Box<Self>, Box<Self>),
    /// f to a whole power.
    Power(Box<Self>, i32),
    /// An elementary function of f.
    Apply(Elementary, Box<Self>),
}

/// Functions with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elementary {
    /// -x.
    Negate,
    /// e^x.
    Exp,
    /// Natural logarithm.
    Ln,
    /// Square root.
    Sqrt,
    /// Sine, of radians.
    Sin,
    /// Cosine, of radians.
    Cos,
    /// Hyperbolic tangent.
    Tanh,
    /// 2/sqrt(pi) times the integral of e^(-s²) from 0 to x.
    Erf,
}

impl Elementary {
    /// By the name it has in a script.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "exp" => Self::Exp,
            "ln" | "log" => Self::Ln,
            "sqrt" => Self::Sqrt,
            "sin" => Self::Sin,
            "cos" => Self::Cos,
            "tanh" => Self::Tanh,
            "erf" => Self::Erf,
            _ => return None,
        })
    }

    /// Names that [`Elementary::named`] knows.
    pub const NAMES: [&str; 8] = ["exp", "ln", "log", "sqrt", "sin", "cos", "tanh", "erf"];
}

impl Function {
    /// A number that is a double.
    pub fn number(value: f64) -> Self {
        Self::Constant(Interval::point(value))
    }

    /// `self` of an elementary function.
    #[must_use]
    pub fn apply(self, function: Elementary) -> Self {
        Self::Apply(function, Box::new(self))
    }

    /// The value at x, to double precision; not a number where it is undefined.
    pub fn at(&self, x: f64) -> f64 {
        match self {
            Self::Variable => x,
            Self::Constant(value) => value.middle(),
            Self::Add(f, g) => f.at(x) + g.at(x),
            Self::Sub(f, g) => f.at(x) - g.at(x),
            Self::Mul(f, g) => f.at(x) * g.at(x),
            Self::Div(f, g) => f.at(x) / g.at(x),
            Self::Power(f, n) => power(f.at(x), *n, 1.0, |a, b| a * b, |a| 1.0 / a),
            Self::Apply(function, f) => {
                let x = f.at(x);
                match function {
                    Elementary::Negate => -x,
                    Elementary::Exp => libm::exp(x),
                    Elementary::Ln => libm::log(x),
                    Elementary::Sqrt => libm::sqrt(x),
                    Elementary::Sin => libm::sin(x),
                    Elementary::Cos => libm::cos(x),
                    Elementary::Tanh => libm::tanh(x),
                    Elementary::Erf => libm::erf(x),
                }
            }
        }
    }

    /// The Taylor coefficients where those of the argument are `x`.
    pub fn jet(&self, x: &Jet) -> Jet {
        let order = x.0.len() - 1;
        match self {
            Self::Variable => x.clone(),
            Self::Constant(value) => Jet::constant(*value, order),
            Self::Add(f, g) => f.jet(x).add(&g.jet(x)),
            Self::Sub(f, g) => f.jet(x).sub(&g.jet(x)),
            Self::Mul(f, g) => f.jet(x).mul(&g.jet(x)),
            Self::Div(f, g) => f.jet(x).mul(&g.jet(x).reciprocal()),
            Self::Power(f, n) => {
                let one = Jet::constant(Interval::ONE, order);
                power(f.jet(x), *n, one, |a, b| a.mul(&b), |a| a.reciprocal())
            }
            Self::Apply(function, f) => {
                let f = f.jet(x);
                match function {
                    Elementary::Negate => f.scale(Interval::point(-1.0)),
                    Elementary::Exp => f.exp(),
                    Elementary::Ln => f.ln(),
                    Elementary::Sqrt => f.sqrt(),
                    Elementary::Sin => f.sin_cos().0,
                    Elementary::Cos => f.sin_cos().1,
                    Elementary::Tanh => f.tanh(),
                    Elementary::Erf => f.erf(),
                }
            }
        }
    }

    /// The derivative, by the rules of calculus and unsimplified.
    #[must_use]
    pub fn derivative(&self) -> Self {
        let mul = |f: Self, g: Self| Self::Mul(Box::new(f), Box::new(g));
        let square = |f: &Self| Self::Power(Box::new(f.clone()), 2);
        match self {
            Self::Variable => Self::number(1.0),
            Self::Constant(_) => Self::number(0.0),
            Self::Add(f, g) => Self::Add(f.derivative().into(), g.derivative().into()),
            Self::Sub(f, g) => Self::Sub(f.derivative().into(), g.derivative().into()),
            Self::Mul(f, g) => Self::Add(
                mul(f.derivative(), (**g).clone()).into(),
                mul((**f).clone(), g.derivative()).into(),
            ),
            Self::Div(f, g) => Self::Div(
                Self::Sub(
                    mul(f.derivative(), (**g).clone()).into(),
                    mul((**f).clone(), g.derivative()).into(),
                )
                .into(),
                square(g).into(),
            ),
            Self::Power(_, 0) => Self::number(0.0),
            Self::Power(f, n) => mul(
                mul(Self::number(f64::from(*n)), Self::Power(f.clone(), n - 1)),
                f.derivative(),
            ),
            Self::Apply(function, f) => {
                let one = || Self::number(1.0);
                let div = |f: Self, g: Self| Self::Div(f.into(), g.into());
                let outer = match function {
                    Elementary::Negate => Self::number(-1.0),
                    Elementary::Exp => self.clone(),
                    Elementary::Ln => div(one(), (**f).clone()),
                    Elementary::Sqrt => div(Self::number(0.5), self.clone()),
                    Elementary::Sin => Self::Apply(Elementary::Cos, f.clone()),
                    Elementary::Cos => {
                        Self::Apply(Elementary::Sin, f.clone()).apply(Elementary::Negate)
                    }
                    Elementary::Tanh => Self::Sub(one().into(), square(self).into()),
                    Elementary::Erf => mul(
                        Self::Constant(Interval::new(
                            std::f64::consts::FRAC_2_SQRT_PI.next_down(),
                            std::f64::consts::FRAC_2_SQRT_PI.next_up(),
                        )),
                        square(f).apply(Elementary::Negate).apply(Elementary::Exp),
                    ),
                };
                mul(outer, f.derivative())
            }
        }
    }
}

/// x^n by squaring; a negative power is the inverse of the positive one.
fn power<T: Clone>(x: T, n: i32, one: T, mul: impl Fn(T, T) -> T, inverse: impl Fn(T) -> T) -> T {
    let (mut result, mut base, mut left) = (one, x, n.unsigned_abs());
    while left > 0 {
        if left & 1 == 1 {
            result = mul(result, base.clone());
        }
        left >>= 1;
        if left > 0 {
            base = mul(base.clone(), base);
        }
    }
    if n < 0 { inverse(result) } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_match_jets() {
        let x = || Box::new(Function::Variable);
        let functions = [
            Function::Power(x(), -3),
            Function::Div(
                Function::number(1.0).into(),
                Function::Add(
                    Function::number(1.0).into(),
                    Function::Apply(Elementary::Negate, x())
                        .apply(Elementary::Exp)
                        .into(),
                )
                .into(),
            ),
            Function::Mul(x(), Function::Apply(Elementary::Erf, x()).into()),
            Function::Sub(
                Function::Apply(Elementary::Tanh, x()).into(),
                Function::Apply(Elementary::Ln, x()).into(),
            ),
            Function::Apply(
                Elementary::Cos,
                Function::Apply(Elementary::Sqrt, x()).into(),
            ),
        ];
        for function in functions {
            for at in [0.25, 0.5, 1.75] {
                let jet = function.jet(&Jet::variable(Interval::point(at), 2));
                assert!(
                    jet.0[0].contains(function.at(at))
                        || (jet.0[0].middle() - function.at(at)).abs() < 1e-14
                );
                let slope = function.derivative().at(at);
                assert!((jet.0[1].middle() - slope).abs() < 1e-12, "{function:?}");
            }
        }
    }
}
