//! Symbolic sizes: integer polynomials in normal form over named sizes and opaque atoms.
//!
//! A tensor dimension, a loop bound and a cost are all a [`Size`]. Two sizes are equal iff
//! their normal forms are: nothing is solved and no inequality is proved. Division, `log2`
//! and the work of a prefix tree have no polynomial form and stand as opaque [`Atom`]s whose
//! arguments are themselves in normal form.

mod atom;
#[cfg(test)]
mod tests;
mod widths;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use atom::{Atom, floored};
use widths::log2_ceil;
pub use widths::{halvings, prefix_widths};

/// A named size of a program: an input's dimension, a `param`, an immutable public int.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SizeVar(pub u32);

/// Why a size has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// A named size without a value yet.
    Unbound(SizeVar),
    /// Division by zero, or a count below zero.
    Domain(&'static str),
    /// The value does not fit in 128 bits.
    Overflow,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbound(v) => write!(f, "size #{} has no value", v.0),
            Self::Domain(what) => f.write_str(what),
            Self::Overflow => f.write_str("the size does not fit in 128 bits"),
        }
    }
}

impl std::error::Error for SizeError {}

/// Atoms with their exponents, sorted; the empty product is 1.
type Monomial = Vec<(Atom, u32)>;

/// An integer polynomial in normal form: no zero coefficient, sorted monomials. Programs hold a size for each
/// dimension of each value: most are numbers, and copies share their terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Size(Form);

/// One number, or anything else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    Constant(i128),
    /// Sorted by monomial, and no number.
    Terms(Arc<[(Monomial, i128)]>),
}

/// A sum that is being added up.
type Sum = BTreeMap<Monomial, i128>;

impl Default for Size {
    fn default() -> Self {
        Self::from(0)
    }
}

/// By the terms in their order.
impl Ord for Size {
    fn cmp(&self, other: &Self) -> Ordering {
        self.terms().cmp(other.terms())
    }
}

impl PartialOrd for Size {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i128> for Size {
    fn from(value: i128) -> Self {
        Self(Form::Constant(value))
    }
}

impl From<Sum> for Size {
    fn from(mut sum: Sum) -> Self {
        sum.retain(|_, c| *c != 0);
        match sum.len() {
            0 => Self::zero(),
            1 if sum.contains_key(&Vec::new()) => Self::from(sum.into_values().sum::<i128>()),
            _ => Self(Form::Terms(sum.into_iter().collect())),
        }
    }
}

impl From<SizeVar> for Size {
    fn from(var: SizeVar) -> Self {
        Self::atom(Atom::Var(var))
    }
}

/// Coefficients saturate instead of wrapping; [`Size::evaluate`] refuses a saturated one.
fn saturating_insert(sum: &mut Sum, key: Monomial, value: i128) {
    let entry = sum.entry(key).or_insert(0);
    *entry = entry.saturating_add(value);
}

impl Size {
    /// The polynomial 0.
    pub fn zero() -> Self {
        Self::from(0)
    }

    /// The polynomial 1.
    pub fn one() -> Self {
        Self::from(1)
    }

    /// A single atom.
    pub fn atom(atom: Atom) -> Self {
        Self(Form::Terms(Arc::new([(vec![(atom, 1)], 1)])))
    }

    /// The terms of the sum: the factors of each with their powers, and its coefficient.
    pub fn terms(&self) -> impl DoubleEndedIterator<Item = (&[(Atom, u32)], i128)> {
        let (number, terms) = match &self.0 {
            Form::Constant(value) => (Some(*value), &[][..]),
            Form::Terms(terms) => (None, &terms[..]),
        };
        let number = number.filter(|value| *value != 0);
        let terms = terms.iter().map(|(factors, c)| (&factors[..], *c));
        number
            .map(|value| (&[][..], value))
            .into_iter()
            .chain(terms)
    }

    /// The same, to add to.
    fn sum_of_terms(&self) -> Sum {
        self.terms()
            .map(|(factors, c)| (factors.to_vec(), c))
            .collect()
    }

    /// The value, where no atom is left.
    pub fn as_constant(&self) -> Option<i128> {
        match self.0 {
            Form::Constant(value) => Some(value),
            Form::Terms(_) => None,
        }
    }

    /// The name, where the size is one bare name.
    pub fn as_var(&self) -> Option<SizeVar> {
        let mut terms = self.terms();
        match (terms.next(), terms.next()) {
            (Some(([(Atom::Var(v), 1)], 1)), None) => Some(*v),
            _ => None,
        }
    }

    /// Each coefficient divided by a number that divides all.
    fn quotients(&self, divisor: i128) -> Option<Self> {
        let divides = self.terms().all(|(_, c)| c % divisor == 0);
        let terms = self.terms().map(|(m, c)| (m.to_vec(), c / divisor));
        divides.then(|| terms.collect::<Sum>().into())
    }

    /// `self` divided by `other`, rounded down. Exact constants fold, and so does a common constant divisor.
    pub fn div(&self, other: &Self) -> Self {
        match (self.as_constant(), other.as_constant()) {
            (Some(a), Some(b)) if b > 0 => Self::from(a.div_euclid(b)),
            (_, Some(1)) => self.clone(),
            (_, divisor) => {
                let exact = divisor.filter(|b| *b > 0).and_then(|b| self.quotients(b));
                let opaque =
                    || Self::atom(Atom::Div(Box::new(self.clone()), Box::new(other.clone())));
                exact.unwrap_or_else(opaque)
            }
        }
    }

    /// `self` divided by `other`, rounded up.
    pub fn div_ceil(&self, other: &Self) -> Self {
        match (self.as_constant(), other.as_constant()) {
            (Some(a), Some(b)) if b > 0 => {
                Self::from(a.div_euclid(b) + i128::from(a.rem_euclid(b) != 0))
            }
            (_, divisor) => {
                let exact = divisor.filter(|b| *b > 0).and_then(|b| self.quotients(b));
                let opaque = || {
                    Self::atom(Atom::DivCeil(
                        Box::new(self.clone()),
                        Box::new(other.clone()),
                    ))
                };
                exact.unwrap_or_else(opaque)
            }
        }
    }

    /// Remainder of [`Size::div`].
    pub fn modulo(&self, other: &Self) -> Self {
        match (self.as_constant(), other.as_constant()) {
            (Some(a), Some(b)) if b > 0 => Self::from(a.rem_euclid(b)),
            _ => Self::atom(Atom::Mod(Box::new(self.clone()), Box::new(other.clone()))),
        }
    }

    /// Depth of a binary tree of `self` leaves.
    pub fn log2_ceil(&self) -> Self {
        match self.as_constant() {
            Some(n) => Self::from(log2_ceil(n)),
            None => Self::atom(Atom::Log2Ceil(Box::new(self.clone()))),
        }
    }

    /// Smaller of two sizes; a pair that differs by a constant folds.
    pub fn smaller(&self, other: &Self) -> Self {
        match (self - other).as_constant() {
            Some(d) if d <= 0 => self.clone(),
            Some(_) => other.clone(),
            None => {
                let (a, b) = if self <= other {
                    (self, other)
                } else {
                    (other, self)
                };
                Self::atom(Atom::Min(Box::new(a.clone()), Box::new(b.clone())))
            }
        }
    }

    /// Larger of two sizes; a pair that differs by a constant folds.
    pub fn larger(&self, other: &Self) -> Self {
        match (self - other).as_constant() {
            Some(d) if d >= 0 => self.clone(),
            Some(_) => other.clone(),
            None => {
                let (a, b) = if self <= other {
                    (self, other)
                } else {
                    (other, self)
                };
                Self::atom(Atom::Max(Box::new(a.clone()), Box::new(b.clone())))
            }
        }
    }

    /// Sum of `body` over `var` in `0..count`, closed where the body does not depend on `var`, or linearly.
    pub fn sum(var: SizeVar, count: &Self, body: &Self) -> Self {
        match body.split_linear(var) {
            Some((slope, rest)) => {
                let triangle = (&(count * count) - count).div(&Self::from(2));
                &(&slope * &triangle) + &(&rest * count)
            }
            None => Self::atom(Atom::Sum {
                var,
                count: Box::new(count.clone()),
                body: Box::new(body.clone()),
            }),
        }
    }

    /// Sum of `body` over the level widths of a reduction tree; linear bodies close to slope·(count-1) + rest·depth.
    pub fn sum_halvings(var: SizeVar, count: &Self, body: &Self) -> Self {
        if let Some(leaves) = count.as_constant().and_then(|n| u64::try_from(n).ok()) {
            return body.over_widths(var, halvings(leaves));
        }
        match body.split_linear(var) {
            Some((slope, rest)) if count.as_constant().is_none_or(|n| n >= 1) => {
                &(&slope * &(count - &Self::one())) + &(&rest * &count.log2_ceil())
            }
            _ => Self::atom(Atom::SumHalvings {
                var,
                count: Box::new(count.clone()),
                body: Box::new(body.clone()),
            }),
        }
    }

    /// Sum of `body` over the level widths of a prefix tree.
    pub fn sum_prefix(var: SizeVar, count: &Self, body: &Self) -> Self {
        if let Some(leaves) = count.as_constant().and_then(|n| u64::try_from(n).ok()) {
            return body.over_widths(var, prefix_widths(leaves));
        }
        if body
            .split_linear(var)
            .is_some_and(|(slope, _)| slope == Self::zero())
        {
            return body * &count.log2_ceil();
        }
        Self::atom(Atom::SumPrefix {
            var,
            count: Box::new(count.clone()),
            body: Box::new(body.clone()),
        })
    }

    /// The sum over the levels of a tree of known size.
    fn over_widths(&self, var: SizeVar, widths: impl Iterator<Item = u64>) -> Self {
        widths.fold(Self::zero(), |sum, width| {
            let width = Self::from(i128::from(width));
            let term = self.substitute(&|v| (v == var).then(|| width.clone()));
            &sum + &term
        })
    }

    /// (a, b) with `self == a*var + b`, neither mentioning `var`.
    fn split_linear(&self, var: SizeVar) -> Option<(Self, Self)> {
        let (mut slope, mut rest) = (Sum::new(), Sum::new());
        for (monomial, coefficient) in self.terms() {
            match monomial.iter().position(|(a, _)| *a == Atom::Var(var)) {
                None if monomial.iter().any(|(a, _)| a.mentions(var)) => return None,
                None => saturating_insert(&mut rest, monomial.to_vec(), coefficient),
                Some(at) => {
                    let mut others = monomial.to_vec();
                    let (_, power) = others.remove(at);
                    if power != 1 || others.iter().any(|(a, _)| a.mentions(var)) {
                        return None;
                    }
                    saturating_insert(&mut slope, others, coefficient);
                }
            }
        }
        Some((slope.into(), rest.into()))
    }

    /// Whether `var` occurs free.
    pub fn mentions(&self, var: SizeVar) -> bool {
        self.terms()
            .any(|(factors, _)| factors.iter().any(|(a, _)| a.mentions(var)))
    }

    /// Every free occurrence of a name replaced by what `map` gives for it.
    pub fn substitute(&self, map: &dyn Fn(SizeVar) -> Option<Size>) -> Self {
        let mut result = Self::zero();
        for (monomial, coefficient) in self.terms() {
            let mut product = Self::from(coefficient);
            for (atom, power) in monomial {
                let factor = atom.substitute(map);
                for _ in 0..*power {
                    product = &product * &factor;
                }
            }
            result = &result + &product;
        }
        result
    }

    /// The value under `env`.
    ///
    /// # Errors
    /// A name without a value, a division by zero, or a value beyond 128 bits.
    pub fn evaluate(&self, env: &dyn Fn(SizeVar) -> Option<i128>) -> Result<i128, SizeError> {
        let mut total = 0i128;
        for (monomial, coefficient) in self.terms() {
            if matches!(coefficient, i128::MAX | i128::MIN) {
                return Err(SizeError::Overflow);
            }
            let mut product = coefficient;
            for (atom, power) in monomial {
                let value = atom.evaluate(env)?;
                for _ in 0..*power {
                    product = product.checked_mul(value).ok_or(SizeError::Overflow)?;
                }
            }
            total = total.checked_add(product).ok_or(SizeError::Overflow)?;
        }
        Ok(total)
    }

    /// Text with names from `name`, highest degree first.
    pub fn display(&self, name: &dyn Fn(SizeVar) -> String) -> String {
        if *self == Self::zero() {
            return "0".into();
        }
        let mut monomials: Vec<_> = self.terms().collect();
        monomials.sort_by_key(|(m, _)| std::cmp::Reverse(m.iter().map(|(_, p)| *p).sum::<u32>()));
        let mut text = String::new();
        for (position, (monomial, coefficient)) in monomials.into_iter().enumerate() {
            let sign = match (position, coefficient < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            text.push_str(sign);
            let magnitude = coefficient.unsigned_abs();
            let factors: Vec<String> = monomial
                .iter()
                .map(|(atom, power)| {
                    let base = atom.display(name);
                    if *power == 1 {
                        base
                    } else {
                        format!("{base}^{power}")
                    }
                })
                .collect();
            if factors.is_empty() {
                text.push_str(&magnitude.to_string());
            } else {
                if magnitude != 1 {
                    text.push_str(&format!("{magnitude}·"));
                }
                text.push_str(&factors.join("·"));
            }
        }
        text
    }
}

impl Size {
    /// As [`Size::display`], in parentheses unless it is a number or a name.
    fn operand(&self, name: &dyn Fn(SizeVar) -> String) -> String {
        let text = self.display(name);
        let plain = self.as_constant().is_some_and(|c| c >= 0) || self.as_var().is_some();
        if plain { text } else { format!("({text})") }
    }
}

impl std::ops::Add for &Size {
    type Output = Size;

    fn add(self, other: &Size) -> Size {
        match (&self.0, &other.0) {
            (Form::Constant(a), Form::Constant(b)) => return Size::from(a.saturating_add(*b)),
            (Form::Constant(0), _) => return other.clone(),
            (_, Form::Constant(0)) => return self.clone(),
            _ => {}
        }
        let mut sum = self.sum_of_terms();
        for (monomial, coefficient) in other.terms() {
            saturating_insert(&mut sum, monomial.to_vec(), coefficient);
        }
        sum.into()
    }
}

impl std::ops::Neg for &Size {
    type Output = Size;

    fn neg(self) -> Size {
        let terms = self.terms().map(|(m, c)| (m.to_vec(), c.saturating_neg()));
        terms.collect::<Sum>().into()
    }
}

impl std::ops::Sub for &Size {
    type Output = Size;

    fn sub(self, other: &Size) -> Size {
        self + &-other
    }
}

impl std::ops::Mul for &Size {
    type Output = Size;

    fn mul(self, other: &Size) -> Size {
        match (&self.0, &other.0) {
            (Form::Constant(a), Form::Constant(b)) => return Size::from(a.saturating_mul(*b)),
            (Form::Constant(1), _) => return other.clone(),
            (_, Form::Constant(1)) => return self.clone(),
            _ => {}
        }
        let mut sum = Sum::new();
        for (left, a) in self.terms() {
            for (right, b) in other.terms() {
                let mut powers: BTreeMap<Atom, u32> = BTreeMap::new();
                for (atom, power) in left.iter().chain(right) {
                    let sum = powers.entry(atom.clone()).or_insert(0);
                    *sum = sum.saturating_add(*power);
                }
                let monomial = powers.into_iter().collect();
                saturating_insert(&mut sum, monomial, a.saturating_mul(b));
            }
        }
        sum.into()
    }
}
