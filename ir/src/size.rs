//! Symbolic sizes: integer polynomials in normal form over named sizes and opaque atoms.
//!
//! A tensor dimension, a loop bound and a cost are all a [`Size`]. Two sizes are equal iff
//! their normal forms are: nothing is solved and no inequality is proved. Division, `log2`
//! and the work of a prefix tree have no polynomial form and stand as opaque [`Atom`]s whose
//! arguments are themselves in normal form.

use std::collections::BTreeMap;
use std::fmt;

/// A named size of a program: an input's dimension, a `param`, an immutable public int.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SizeVar(pub u32);

/// A factor of a monomial.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A named size.
    Var(SizeVar),
    /// Quotient rounded down; the divisor is positive wherever it is evaluated.
    Div(Box<Size>, Box<Size>),
    /// Quotient rounded up, as in the bytes of bit-packed elements.
    DivCeil(Box<Size>, Box<Size>),
    /// Remainder with the sign of the divisor.
    Mod(Box<Size>, Box<Size>),
    /// Smallest e with 2^e >= the argument; 0 for arguments up to 1. The depth of a tree.
    Log2Ceil(Box<Size>),
    /// Smaller of two.
    Min(Box<Size>, Box<Size>),
    /// Larger of two.
    Max(Box<Size>, Box<Size>),
    /// Sum of `body` over `var` in `0..count`.
    Sum {
        /// The bound variable; it occurs only in `body`.
        var: SizeVar,
        /// How many terms.
        count: Box<Size>,
        /// The term.
        body: Box<Size>,
    },
    /// Sum of `body` over the widths `var` of the levels of a reduction tree of `count` leaves:
    /// floor(count/2), then the same of ceil(count/2), until one is left. Widths add up to count - 1.
    SumHalvings {
        /// The bound variable, the width of a level.
        var: SizeVar,
        /// How many leaves.
        count: Box<Size>,
        /// The term.
        body: Box<Size>,
    },
    /// Sum of `body` over the widths `var` of the levels of a Sklansky prefix tree of `count`
    /// leaves: level l combines the positions below count whose bit l is set.
    SumPrefix {
        /// The bound variable, the width of a level.
        var: SizeVar,
        /// How many leaves.
        count: Box<Size>,
        /// The term.
        body: Box<Size>,
    },
}

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

/// An integer polynomial in normal form: no zero coefficient, sorted monomials.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size {
    terms: BTreeMap<Monomial, i128>,
}

impl From<i128> for Size {
    fn from(value: i128) -> Self {
        let mut terms = BTreeMap::new();
        if value != 0 {
            terms.insert(Vec::new(), value);
        }
        Self { terms }
    }
}

impl From<SizeVar> for Size {
    fn from(var: SizeVar) -> Self {
        Self::atom(Atom::Var(var))
    }
}

/// Coefficients saturate instead of wrapping; [`Size::evaluate`] refuses a saturated one.
fn saturating_insert(terms: &mut BTreeMap<Monomial, i128>, key: Monomial, value: i128) {
    let entry = terms.entry(key).or_insert(0);
    *entry = entry.saturating_add(value);
}

impl Size {
    /// The polynomial 0.
    pub fn zero() -> Self {
        Self::default()
    }

    /// The polynomial 1.
    pub fn one() -> Self {
        Self::from(1)
    }

    /// A single atom.
    pub fn atom(atom: Atom) -> Self {
        Self {
            terms: BTreeMap::from([(vec![(atom, 1)], 1)]),
        }
    }

    /// The terms of the sum: the factors of each with their powers, and its coefficient.
    pub fn terms(&self) -> impl DoubleEndedIterator<Item = (&[(Atom, u32)], i128)> {
        self.terms
            .iter()
            .map(|(factors, c)| (factors.as_slice(), *c))
    }

    /// The value, where no atom is left.
    pub fn as_constant(&self) -> Option<i128> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// The name, where the size is one bare name.
    pub fn as_var(&self) -> Option<SizeVar> {
        let mut terms = self.terms.iter();
        match (terms.next(), terms.next()) {
            (Some((monomial, 1)), None) => match monomial.as_slice() {
                [(Atom::Var(v), 1)] => Some(*v),
                _ => None,
            },
            _ => None,
        }
    }

    /// `self` divided by `other`, rounded down. Exact constants fold, and so does a common constant divisor.
    pub fn div(&self, other: &Self) -> Self {
        match (self.as_constant(), other.as_constant()) {
            (Some(a), Some(b)) if b > 0 => Self::from(a.div_euclid(b)),
            (_, Some(1)) => self.clone(),
            (_, Some(b)) if b > 0 && self.terms.values().all(|c| c % b == 0) => Self {
                terms: self.terms.iter().map(|(m, c)| (m.clone(), c / b)).collect(),
            },
            _ => Self::atom(Atom::Div(Box::new(self.clone()), Box::new(other.clone()))),
        }
    }

    /// `self` divided by `other`, rounded up.
    pub fn div_ceil(&self, other: &Self) -> Self {
        match (self.as_constant(), other.as_constant()) {
            (Some(a), Some(b)) if b > 0 => {
                Self::from(a.div_euclid(b) + i128::from(a.rem_euclid(b) != 0))
            }
            (_, Some(b)) if b > 0 && self.terms.values().all(|c| c % b == 0) => self.div(other),
            _ => Self::atom(Atom::DivCeil(
                Box::new(self.clone()),
                Box::new(other.clone()),
            )),
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
        let (mut slope, mut rest) = (Self::zero(), Self::zero());
        for (monomial, &coefficient) in &self.terms {
            match monomial.iter().position(|(a, _)| *a == Atom::Var(var)) {
                None if monomial.iter().any(|(a, _)| a.mentions(var)) => return None,
                None => saturating_insert(&mut rest.terms, monomial.clone(), coefficient),
                Some(at) => {
                    let mut others = monomial.clone();
                    let (_, power) = others.remove(at);
                    if power != 1 || others.iter().any(|(a, _)| a.mentions(var)) {
                        return None;
                    }
                    saturating_insert(&mut slope.terms, others, coefficient);
                }
            }
        }
        Some((slope, rest))
    }

    /// Whether `var` occurs free.
    pub fn mentions(&self, var: SizeVar) -> bool {
        self.terms.keys().flatten().any(|(a, _)| a.mentions(var))
    }

    /// Every free occurrence of a name replaced by what `map` gives for it.
    pub fn substitute(&self, map: &dyn Fn(SizeVar) -> Option<Size>) -> Self {
        let mut result = Self::zero();
        for (monomial, &coefficient) in &self.terms {
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
        for (monomial, &coefficient) in &self.terms {
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
        if self.terms.is_empty() {
            return "0".into();
        }
        let mut monomials: Vec<_> = self.terms.iter().collect();
        monomials.sort_by_key(|(m, _)| std::cmp::Reverse(m.iter().map(|(_, p)| *p).sum::<u32>()));
        let mut text = String::new();
        for (position, (monomial, coefficient)) in monomials.into_iter().enumerate() {
            let sign = match (position, *coefficient < 0) {
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

/// Smallest e with 2^e >= n.
fn log2_ceil(n: i128) -> i128 {
    if n <= 1 {
        0
    } else {
        i128::from(128 - (n - 1).leading_zeros())
    }
}

/// Level widths of a reduction tree over `count` leaves, first level first.
pub fn halvings(count: u64) -> impl Iterator<Item = u64> {
    let mut left = count;
    std::iter::from_fn(move || {
        (left > 1).then(|| {
            let width = left / 2;
            left -= width;
            width
        })
    })
}

/// Level widths of a Sklansky prefix tree over `count` leaves, first level first.
pub fn prefix_widths(count: u64) -> impl Iterator<Item = u64> {
    (0..64)
        .map(|level| 1u64 << level)
        .take_while(move |&half| half < count)
        .map(move |half| {
            let period = half.saturating_mul(2);
            let whole = count / period * half;
            whole + (count % period).saturating_sub(half)
        })
}

impl Atom {
    fn mentions(&self, var: SizeVar) -> bool {
        match self {
            Self::Var(v) => *v == var,
            Self::Div(a, b)
            | Self::DivCeil(a, b)
            | Self::Mod(a, b)
            | Self::Min(a, b)
            | Self::Max(a, b) => a.mentions(var) || b.mentions(var),
            Self::Log2Ceil(a) => a.mentions(var),
            Self::Sum {
                var: bound,
                count,
                body,
            }
            | Self::SumHalvings {
                var: bound,
                count,
                body,
            }
            | Self::SumPrefix {
                var: bound,
                count,
                body,
            } => count.mentions(var) || (*bound != var && body.mentions(var)),
        }
    }

    fn substitute(&self, map: &dyn Fn(SizeVar) -> Option<Size>) -> Size {
        let inner = |bound: SizeVar, body: &Size| {
            body.substitute(&|v| if v == bound { None } else { map(v) })
        };
        match self {
            Self::Var(v) => map(*v).unwrap_or_else(|| Size::from(*v)),
            Self::Div(a, b) => a.substitute(map).div(&b.substitute(map)),
            Self::DivCeil(a, b) => a.substitute(map).div_ceil(&b.substitute(map)),
            Self::Mod(a, b) => a.substitute(map).modulo(&b.substitute(map)),
            Self::Min(a, b) => a.substitute(map).smaller(&b.substitute(map)),
            Self::Max(a, b) => a.substitute(map).larger(&b.substitute(map)),
            Self::Log2Ceil(a) => a.substitute(map).log2_ceil(),
            Self::Sum { var, count, body } => {
                Size::sum(*var, &count.substitute(map), &inner(*var, body))
            }
            Self::SumHalvings { var, count, body } => {
                Size::sum_halvings(*var, &count.substitute(map), &inner(*var, body))
            }
            Self::SumPrefix { var, count, body } => {
                Size::sum_prefix(*var, &count.substitute(map), &inner(*var, body))
            }
        }
    }

    fn evaluate(&self, env: &dyn Fn(SizeVar) -> Option<i128>) -> Result<i128, SizeError> {
        let positive = |size: &Size| match size.evaluate(env)? {
            d if d > 0 => Ok(d),
            _ => Err(SizeError::Domain("division of a size by zero or less")),
        };
        let total = |bound: SizeVar, body: &Size, widths: &mut dyn Iterator<Item = u64>| {
            let mut sum = 0i128;
            for width in widths {
                let inner = |v| {
                    if v == bound {
                        Some(i128::from(width))
                    } else {
                        env(v)
                    }
                };
                sum = sum
                    .checked_add(body.evaluate(&inner)?)
                    .ok_or(SizeError::Overflow)?;
            }
            Ok(sum)
        };
        let counted = |count: &Size| {
            u64::try_from(count.evaluate(env)?)
                .map_err(|_| SizeError::Domain("a count below zero or beyond 64 bits"))
        };
        match self {
            Self::Var(v) => env(*v).ok_or(SizeError::Unbound(*v)),
            Self::Div(a, b) => Ok(a.evaluate(env)?.div_euclid(positive(b)?)),
            Self::DivCeil(a, b) => {
                let (a, b) = (a.evaluate(env)?, positive(b)?);
                Ok(a.div_euclid(b) + i128::from(a.rem_euclid(b) != 0))
            }
            Self::Mod(a, b) => Ok(a.evaluate(env)?.rem_euclid(positive(b)?)),
            Self::Min(a, b) => Ok(a.evaluate(env)?.min(b.evaluate(env)?)),
            Self::Max(a, b) => Ok(a.evaluate(env)?.max(b.evaluate(env)?)),
            Self::Log2Ceil(a) => Ok(log2_ceil(a.evaluate(env)?)),
            Self::Sum { var, count, body } => total(*var, body, &mut (0..counted(count)?)),
            Self::SumHalvings { var, count, body } => {
                total(*var, body, &mut halvings(counted(count)?))
            }
            Self::SumPrefix { var, count, body } => {
                total(*var, body, &mut prefix_widths(counted(count)?))
            }
        }
    }

    fn display(&self, name: &dyn Fn(SizeVar) -> String) -> String {
        let call =
            |f: &str, a: &Size, b: &Size| format!("{f}({}, {})", a.display(name), b.display(name));
        match self {
            Self::Var(v) => name(*v),
            Self::Div(a, b) => format!("⌊{}/{}⌋", a.operand(name), b.operand(name)),
            Self::DivCeil(a, b) => format!("⌈{}/{}⌉", a.operand(name), b.operand(name)),
            Self::Mod(a, b) => call("mod", a, b),
            Self::Min(a, b) => call("min", a, b),
            Self::Max(a, b) => call("max", a, b),
            Self::Log2Ceil(a) => format!("⌈log2({})⌉", a.display(name)),
            Self::Sum { var, count, body } => {
                format!(
                    "sum({} for {} in 0..{})",
                    body.display(name),
                    name(*var),
                    count.display(name)
                )
            }
            Self::SumHalvings { var, count, body } => {
                format!(
                    "sum({} for {} in halvings({}))",
                    body.display(name),
                    name(*var),
                    count.display(name)
                )
            }
            Self::SumPrefix { var, count, body } => {
                format!(
                    "sum({} for {} in prefixes({}))",
                    body.display(name),
                    name(*var),
                    count.display(name)
                )
            }
        }
    }
}

impl std::ops::Add for &Size {
    type Output = Size;

    fn add(self, other: &Size) -> Size {
        let mut terms = self.terms.clone();
        for (monomial, &coefficient) in &other.terms {
            saturating_insert(&mut terms, monomial.clone(), coefficient);
        }
        terms.retain(|_, c| *c != 0);
        Size { terms }
    }
}

impl std::ops::Neg for &Size {
    type Output = Size;

    fn neg(self) -> Size {
        Size {
            terms: self
                .terms
                .iter()
                .map(|(m, c)| (m.clone(), c.saturating_neg()))
                .collect(),
        }
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
        let mut terms = BTreeMap::new();
        for (left, &a) in &self.terms {
            for (right, &b) in &other.terms {
                let mut powers: BTreeMap<Atom, u32> = BTreeMap::new();
                for (atom, power) in left.iter().chain(right) {
                    let sum = powers.entry(atom.clone()).or_insert(0);
                    *sum = sum.saturating_add(*power);
                }
                saturating_insert(
                    &mut terms,
                    powers.into_iter().collect(),
                    a.saturating_mul(b),
                );
            }
        }
        terms.retain(|_, c| *c != 0);
        Size { terms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const N: SizeVar = SizeVar(0);
    const M: SizeVar = SizeVar(1);
    const W: SizeVar = SizeVar(9);

    fn name(v: SizeVar) -> String {
        match v {
            N => "n".into(),
            M => "m".into(),
            SizeVar(i) => format!("w{i}"),
        }
    }

    fn at(n: i128, m: i128) -> impl Fn(SizeVar) -> Option<i128> {
        move |v| match v {
            N => Some(n),
            M => Some(m),
            _ => None,
        }
    }

    #[test]
    fn equal_iff_normal_forms_are_equal() {
        let (n, m) = (Size::from(N), Size::from(M));
        let square = &(&n + &m) * &(&n + &m);
        let expanded = &(&(&n * &n) + &(&Size::from(2) * &(&n * &m))) + &(&m * &m);
        assert_eq!(square, expanded);
        assert_ne!(square, &expanded + &Size::one());
        assert_eq!(&n - &n, Size::zero());
        assert_eq!(
            (&(&n * &Size::from(8)) * &m).div_ceil(&Size::from(8)),
            &n * &m
        );
    }

    #[test]
    fn prints_highest_degree_first() {
        let (n, m) = (Size::from(N), Size::from(M));
        let size = &(&(&Size::from(3) * &(&n * &m)) - &n) + &Size::from(7);
        assert_eq!(size.display(&name), "3·n·m - n + 7");
        assert_eq!(Size::zero().display(&name), "0");
        assert_eq!(
            (&n + &Size::one()).log2_ceil().display(&name),
            "⌈log2(n + 1)⌉"
        );
    }

    #[test]
    fn what_has_no_value_is_an_error() {
        let n = Size::from(N);
        assert_eq!(n.evaluate(&|_| None), Err(SizeError::Unbound(N)));
        assert!(matches!(
            Size::one().div(&n).evaluate(&at(0, 0)),
            Err(SizeError::Domain(_))
        ));
        let huge = &Size::from(i128::MAX) * &Size::from(2);
        assert_eq!(huge.evaluate(&at(0, 0)), Err(SizeError::Overflow));
    }

    #[test]
    fn a_bound_name_shadows_a_free_one() {
        let body = Size::from(W).modulo(&Size::from(N));
        let sum = Size::sum(W, &Size::from(M), &body);
        assert!(!sum.mentions(W));
        assert_eq!(sum.substitute(&|v| (v == W).then(|| Size::from(100))), sum);
        assert_eq!(sum.evaluate(&at(3, 5)), Ok(1 + 2 + 1));
    }

    proptest! {
        #[test]
        fn tree_widths_add_up(n in 1u64..5000) {
            prop_assert_eq!(halvings(n).sum::<u64>(), n - 1);
            prop_assert_eq!(halvings(n).count() as i128, log2_ceil(i128::from(n)));
            prop_assert_eq!(prefix_widths(n).count() as i128, log2_ceil(i128::from(n)));
            let by_bits: u64 = (0..n).map(|i| u64::from(i.count_ones())).sum();
            prop_assert_eq!(prefix_widths(n).sum::<u64>(), by_bits);
        }

        #[test]
        fn closed_sums_equal_the_terms(n in 1i128..60, a in -5i128..5, b in -5i128..5, m in 1i128..9) {
            let env = at(n, m);
            let value = |s: &Size| s.evaluate(&env).unwrap();
            let linear = &(&Size::from(a) * &(&Size::from(W) * &Size::from(M))) + &Size::from(b);
            let count = Size::from(N);
            let term = |w: u64| a * i128::from(w) * m + b;
            prop_assert_eq!(value(&Size::sum(W, &count, &linear)), (0..n as u64).map(term).sum::<i128>());
            prop_assert_eq!(value(&Size::sum_halvings(W, &count, &linear)), halvings(n as u64).map(term).sum::<i128>());
            prop_assert_eq!(value(&Size::sum_prefix(W, &count, &linear)), prefix_widths(n as u64).map(term).sum::<i128>());
            let rounded = Size::from(W).div_ceil(&Size::from(8));
            let bytes = |w: u64| i128::from(w.div_ceil(8));
            prop_assert_eq!(value(&Size::sum_halvings(W, &count, &rounded)), halvings(n as u64).map(bytes).sum::<i128>());
        }

        #[test]
        fn arithmetic_commutes_with_evaluation(n in 0i128..50, m in 1i128..50, c in -9i128..9) {
            let env = at(n, m);
            let (x, y) = (&Size::from(N) + &Size::from(c), &Size::from(M) * &Size::from(M));
            let (a, b) = (n + c, m * m);
            let value = |s: Size| s.evaluate(&env).unwrap();
            prop_assert_eq!(value(&x * &y), a * b);
            prop_assert_eq!(value(&x - &y), a - b);
            prop_assert_eq!(value(x.div(&y)), a.div_euclid(b));
            prop_assert_eq!(value(x.modulo(&y)), a.rem_euclid(b));
            prop_assert_eq!(value(x.smaller(&y)), a.min(b));
            prop_assert_eq!(value(x.larger(&y)), a.max(b));
            let swapped = x.substitute(&|v| (v == N).then(|| Size::from(M)));
            prop_assert_eq!(value(swapped), m + c);
        }
    }
}
