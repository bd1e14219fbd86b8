//! Polynomials in place of functions, with errors that are proved.
//!
//! [`remez()`] finds the best polynomial of a degree in the Chebyshev basis of the domain;
//! [`certify()`] bounds its distance from the function by interval arithmetic; [`fixed`] adds what
//! fixed point loses. Results depend on the request alone, not on the machine: doubles are
//! computed by IEEE operations and `libm`.

pub mod blocks;
pub mod certify;
pub mod chebyshev;
pub mod choose;
pub mod fixed;
pub mod function;
pub mod interval;
pub mod jet;
pub mod remez;
pub mod script;
pub mod spline;

pub use certify::{Candidate, Uncertified, certify};
pub use chebyshev::{Domain, Polynomial};
pub use choose::{Fit, Goal, Unfit, fit};
pub use fixed::{Arithmetic, Budget, Truncation, Work};
pub use function::{Elementary, Function};
pub use remez::{Parity, parity, remez};
pub use script::Outside;
pub use spline::{Spline, spline};

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 / (1 + e^-t).
    pub(crate) fn sigmoid() -> Function {
        let e = Function::Variable
            .apply(Elementary::Negate)
            .apply(Elementary::Exp);
        let below = Function::Add(Function::number(1.0).into(), e.into());
        Function::Div(Function::number(1.0).into(), below.into())
    }
}
