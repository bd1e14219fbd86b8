//! Operators over the evaluator's values.

use super::ast::{Base, Bin};
use super::value::{Array, Cell, Eval, Stop, UNIT, Val, as_fix, wrong};

/// Bits of the ring `int` lives in.
#[derive(Clone, Copy, Debug)]
pub struct Ring(pub u8);

impl Ring {
    fn wrap(self, v: i128) -> i128 {
        if self.0 == 64 {
            i128::from(v as i64)
        } else {
            v
        }
    }
}

/// An element as an input file writes it.
///
/// # Errors
/// It is no such element.
pub fn read(base: Base, word: &str) -> Eval<Cell> {
    let bad = || Stop::Wrong(format!("{word} is no {}", base.name()));
    match base {
        Base::Fix => {
            let real: f64 = word.parse().map_err(|_| bad())?;
            let exact = (real * 65536.0).fract() == 0.0;
            Cell::real(real, if exact { 0.0 } else { 1e-16 })
        }
        Base::Text(m) => {
            let bytes = word.bytes().chain(std::iter::repeat(0));
            let bits = bytes
                .take(usize::from(m))
                .fold(0u128, |w, b| w << 8 | u128::from(b));
            Ok(Cell::int(bits.cast_signed()))
        }
        _ => Ok(Cell::int(word.parse().map_err(|_| bad())?)),
    }
}

const BIG: f64 = 16_777_216.0;

pub(super) fn headroom(real: f64) -> Eval<()> {
    if real.abs() >= BIG {
        return Err(Stop::Limit("a product beyond 2^24"));
    }
    Ok(())
}

// ---- element by element

pub(super) fn broadcast(a: &Array, b: &Array) -> Eval<(Vec<usize>, usize, usize)> {
    match (a.shape.is_empty(), b.shape.is_empty()) {
        (true, _) => Ok((b.shape.clone(), 0, 1)),
        (_, true) => Ok((a.shape.clone(), 1, 0)),
        _ if a.shape == b.shape => Ok((a.shape.clone(), 1, 1)),
        _ => wrong(format!("shapes {:?} and {:?}", a.shape, b.shape)),
    }
}

pub(super) fn zipped(
    a: &Array,
    b: &Array,
    base: Base,
    f: &mut dyn FnMut(Cell, Cell) -> Eval<Cell>,
) -> Eval<Array> {
    let (shape, da, db) = broadcast(a, b)?;
    let n: usize = shape.iter().product();
    let cells = (0..n)
        .map(|i| f(a.cells[i * da], b.cells[i * db]))
        .collect::<Eval<_>>()?;
    Ok(Array {
        base,
        shape,
        cells,
        secret: a.secret || b.secret,
    })
}

pub(super) fn mapped(a: &Array, base: Base, f: &mut dyn FnMut(Cell) -> Eval<Cell>) -> Eval<Array> {
    Ok(Array {
        base,
        cells: a.cells.iter().map(|c| f(*c)).collect::<Eval<_>>()?,
        ..a.clone()
    })
}

/// Both as one type, and both shares if one is.
pub(super) fn paired(a: &Array, b: &Array) -> Eval<(Array, Array)> {
    let (a, b) = match (a.base, b.base) {
        (x, y) if x == y => (a.clone(), b.clone()),
        (Base::Int, Base::Fix) => (as_fix(a)?, b.clone()),
        (Base::Fix, Base::Int) => (a.clone(), as_fix(b)?),
        (x, y) => return wrong(format!("{} meets {}", x.name(), y.name())),
    };
    Ok(match a.secret || b.secret {
        true => (a.into_secret(), b.into_secret()),
        false => (a, b),
    })
}

/// `a op b`.
///
/// # Errors
/// It passes a limit.
pub fn binary(ring: Ring, op: Bin, a: &Val, b: &Val) -> Eval<Val> {
    match (a, b) {
        (Val::Array(a), Val::Array(b)) => Ok(Val::Array(arrays(ring, op, a, b)?)),
        (Val::Tuple(x), Val::Tuple(y)) if x.len() == y.len() => {
            let parts = x.iter().zip(y).map(|(x, y)| binary(ring, op, x, y));
            let parts = parts.collect::<Eval<Vec<_>>>()?;
            match op {
                Bin::Eq | Bin::Ne => {
                    let mut whole = parts[0].clone();
                    for next in &parts[1..] {
                        let join = if op == Bin::Eq { Bin::And } else { Bin::Or };
                        whole = binary(ring, join, &whole, next)?;
                    }
                    Ok(whole)
                }
                _ => Ok(Val::Tuple(parts)),
            }
        }
        _ => wrong("an operator between tensors and records"),
    }
}

pub(super) fn arrays(ring: Ring, op: Bin, a: &Array, b: &Array) -> Eval<Array> {
    let secret = a.secret || b.secret;
    match op {
        Bin::Add | Bin::Sub => {
            let (a, b) = paired(a, b)?;
            let minus = op == Bin::Sub;
            match a.base {
                Base::Int => zipped(&a, &b, Base::Int, &mut |x, y| {
                    let sum = if minus {
                        x.int.wrapping_sub(y.int)
                    } else {
                        x.int.wrapping_add(y.int)
                    };
                    Ok(Cell::int(ring.wrap(sum)))
                }),
                Base::Fix => zipped(&a, &b, Base::Fix, &mut |x, y| {
                    let y_real = if minus { -y.real } else { y.real };
                    Cell::real(x.real + y_real, x.error + y.error)
                }),
                _ => wrong("bits are not added"),
            }
        }
        Bin::Mul => product(ring, a, b),
        Bin::MatMul => matmul(ring, a, b),
        Bin::Div => quotient(a, b),
        Bin::Rem => zipped(a, b, Base::Int, &mut |x, y| {
            if secret || y.int == 0 {
                return Err(Stop::Limit("a remainder by zero or of a secret"));
            }
            Ok(Cell::int(x.int - y.int * floored(x.int, y.int)))
        }),
        Bin::Shl | Bin::Shr | Bin::ShrLogical => zipped(a, b, a.base, &mut |x, y| {
            let width = u32::from(a.base.width().unwrap_or(ring.0));
            let Some(by) = u32::try_from(y.int).ok().filter(|by| *by < 127) else {
                return Err(Stop::Limit("a shift by a negative or huge amount"));
            };
            let mask = u128::MAX >> (128 - width);
            let unsigned = x.int as u128 & mask;
            let bits = match op {
                Bin::Shl => unsigned << by & mask,
                Bin::ShrLogical => unsigned >> by,
                _ => {
                    let up = 128 - width;
                    ((unsigned << up) as i128 >> up >> by) as u128 & mask
                }
            };
            Ok(Cell::int(match a.base {
                Base::Int => ring.wrap(bits as i128),
                _ => bits as i128,
            }))
        }),
        Bin::And | Bin::BitAnd | Bin::Or | Bin::BitOr => {
            if a.base != b.base || a.base.width().is_none() {
                return wrong("bits meet something else");
            }
            let or = matches!(op, Bin::Or | Bin::BitOr);
            zipped(a, b, a.base, &mut |x, y| {
                Ok(Cell::int(if or { x.int | y.int } else { x.int & y.int }))
            })
        }
        Bin::Eq | Bin::Ne | Bin::Lt | Bin::Le | Bin::Gt | Bin::Ge => {
            let (a, b) = paired(a, b)?;
            zipped(&a, &b, Base::Bool, &mut |x, y| {
                let order = compared(ring, a.base, secret, x, y)?;
                Ok(Cell::bool(match op {
                    Bin::Eq => order.is_eq(),
                    Bin::Ne => order.is_ne(),
                    Bin::Lt => order.is_lt(),
                    Bin::Le => order.is_le(),
                    Bin::Gt => order.is_gt(),
                    _ => order.is_ge(),
                }))
            })
        }
    }
}

/// How two elements compare in every run.
pub(super) fn compared(
    ring: Ring,
    base: Base,
    secret: bool,
    x: Cell,
    y: Cell,
) -> Eval<std::cmp::Ordering> {
    match base {
        Base::Fix => {
            let apart = x.real - y.real;
            let error = x.error + y.error;
            if error > 0.0 && apart.abs() <= error * 1.01 {
                return Err(Stop::Limit("a comparison too close to call"));
            }
            // Zero has no sign here.
            Ok((apart + 0.0).total_cmp(&0.0))
        }
        Base::Int => {
            let apart = x.int.checked_sub(y.int);
            let fits = apart.is_some_and(|d| d.unsigned_abs() < 1 << (ring.0 - 2));
            if secret && !fits {
                return Err(Stop::Limit("a difference beyond the ring"));
            }
            Ok(x.int.cmp(&y.int))
        }
        _ => Ok((x.int as u128).cmp(&(y.int as u128))),
    }
}

/// How the factors of a product were known.
#[derive(Clone, Copy)]
struct Factors {
    a: (Base, bool),
    b: (Base, bool),
    /// The largest magnitudes of both: a public factor's scale is that of its largest element.
    most: (f64, f64),
}

impl Factors {
    fn of(a: &Array, b: &Array) -> Self {
        let most = |of: &Array| {
            let number = |c: &Cell| match of.base {
                Base::Fix => c.real.abs(),
                _ => c.int as f64,
            };
            of.cells
                .iter()
                .map(number)
                .fold(0.0, |m: f64, c| m.max(c.abs()))
        };
        Self {
            a: (a.base, a.secret),
            b: (b.base, b.secret),
            most: (most(a), most(b)),
        }
    }

    fn number(base: Base, c: Cell) -> Eval<Cell> {
        match base {
            Base::Fix => Ok(c),
            Base::Int if c.int.unsigned_abs() < 1 << 30 => Cell::real(c.int as f64, 0.0),
            Base::Int => Err(Stop::Limit("an int beyond 2^30 meets fix")),
            _ => wrong("bits are no number"),
        }
    }

    fn times(self, ring: Ring, x: Cell, y: Cell) -> Eval<Cell> {
        if (self.a.0, self.b.0) == (Base::Int, Base::Int) {
            return Ok(Cell::int(ring.wrap(x.int.wrapping_mul(y.int))));
        }
        let (x, y) = (Self::number(self.a.0, x)?, Self::number(self.b.0, y)?);
        let real = x.real * y.real;
        let carried = x.real.abs() * y.error + y.real.abs() * x.error + x.error * y.error;
        let largest = (x.real.abs() * self.most.1).max(y.real.abs() * self.most.0);
        let fresh = match (self.a, self.b) {
            ((_, false), (_, false)) => return Cell::real(real, carried),
            // A public int and a secret fix have one scale between them.
            ((Base::Int, false), (Base::Fix, true)) | ((Base::Fix, true), (Base::Int, false)) => {
                0.0
            }
            // A public factor has 32 significant bits below its largest element; what may be secret here, since another arm's value would be,
            // may be one.
            ((Base::Int, true), _) | (_, (Base::Int, true)) => {
                2f64.powi(-12) + largest * 2f64.powi(-28)
            }
            _ => 3.0 * UNIT + largest * 2f64.powi(-28),
        };
        if fresh > 0.0 {
            headroom(x.real)?;
            headroom(y.real)?;
            headroom(real)?;
        }
        Cell::real(real, carried + fresh)
    }

    fn base(self) -> Base {
        if (self.a.0, self.b.0) == (Base::Int, Base::Int) {
            Base::Int
        } else {
            Base::Fix
        }
    }
}

pub(super) fn product(ring: Ring, a: &Array, b: &Array) -> Eval<Array> {
    let how = Factors::of(a, b);
    zipped(a, b, how.base(), &mut |x, y| how.times(ring, x, y))
}

pub(super) fn added(ring: Ring, base: Base, x: Cell, y: Cell) -> Eval<Cell> {
    match base {
        Base::Int => Ok(Cell::int(ring.wrap(x.int.wrapping_add(y.int)))),
        Base::Fix => Cell::real(x.real + y.real, x.error + y.error),
        _ => Ok(Cell::int(x.int ^ y.int)),
    }
}

pub(super) fn matmul(ring: Ring, a: &Array, b: &Array) -> Eval<Array> {
    let (ra, rb) = (a.shape.len(), b.shape.len());
    if !(1..=2).contains(&ra) || !(1..=2).contains(&rb) {
        return wrong("a product of vectors and matrices");
    }
    let (n, k) = if ra == 2 {
        (a.shape[0], a.shape[1])
    } else {
        (1, a.shape[0])
    };
    let (l, m) = if rb == 2 {
        (b.shape[0], b.shape[1])
    } else {
        (b.shape[0], 1)
    };
    if k != l {
        return wrong("inner dimensions differ");
    }
    let how = Factors::of(a, b);
    let base = how.base();
    let mut cells = vec![];
    for i in 0..n {
        for j in 0..m {
            let mut sum = how.times(ring, a.cells[i * k], b.cells[j])?;
            let mut size = sum.real.abs();
            for t in 1..k {
                let term = how.times(ring, a.cells[i * k + t], b.cells[t * m + j])?;
                size += term.real.abs();
                sum = added(ring, base, sum, term)?;
            }
            if base == Base::Fix {
                headroom(size)?;
            }
            cells.push(sum);
        }
    }
    let mut shape = vec![];
    if ra == 2 {
        shape.push(n);
    }
    if rb == 2 {
        shape.push(m);
    }
    Ok(Array {
        base,
        shape,
        cells,
        secret: a.secret || b.secret,
    })
}

pub(super) fn floored(a: i128, b: i128) -> i128 {
    let (q, r) = (a / b, a % b);
    if r != 0 && (r < 0) != (b < 0) {
        q - 1
    } else {
        q
    }
}

pub(super) fn quotient(a: &Array, b: &Array) -> Eval<Array> {
    if !a.secret && !b.secret && (a.base, b.base) == (Base::Int, Base::Int) {
        return zipped(a, b, Base::Int, &mut |x, y| {
            if y.int == 0 {
                return Err(Stop::Limit("division by zero"));
            }
            Ok(Cell::int(floored(x.int, y.int)))
        });
    }
    let (a_fix, b_fix) = (as_fix(a)?, as_fix(b)?);
    zipped(&a_fix, &b_fix, Base::Fix, &mut |x, y| {
        let near = y.real.abs() - y.error;
        if near < 2f64.powi(-10) {
            return Err(Stop::Limit("division by nearly zero"));
        }
        let q = x.real / y.real;
        let carried = (x.error + q.abs() * y.error) / near;
        if !a.secret && !b.secret {
            return Cell::real(q, carried);
        }
        headroom(x.real)?;
        headroom(y.real)?;
        headroom(q)?;
        let fresh = if b.secret {
            q.abs() * 2f64.powi(-17) + 6.0 * UNIT
        } else {
            q.abs() * 2f64.powi(-26) + 2f64.powi(-12)
        };
        Cell::real(q, carried + fresh)
    })
}

/// `a ^ n`, by the squares the checker multiplies.
///
/// # Errors
/// It passes a limit.
pub fn power(ring: Ring, a: &Val, n: u32) -> Eval<Val> {
    let mut result: Option<Array> = None;
    let mut square = a.array()?.clone();
    let mut left = n;
    while left > 0 {
        if left & 1 == 1 {
            result = Some(match result {
                Some(so_far) => product(ring, &so_far, &square)?,
                None => square.clone(),
            });
        }
        left >>= 1;
        if left > 0 {
            square = product(ring, &square, &square)?;
        }
    }
    match result {
        Some(array) => Ok(Val::Array(array)),
        None => wrong("a power of zero"),
    }
}

/// `-a`.
///
/// # Errors
/// It has no sign.
pub fn negated(ring: Ring, a: &Val) -> Eval<Val> {
    a.map(&mut |leaf| {
        mapped(leaf, leaf.base, &mut |c| match leaf.base {
            Base::Int => Ok(Cell::int(ring.wrap(c.int.wrapping_neg()))),
            Base::Fix => Ok(Cell { real: -c.real, ..c }),
            _ => wrong("bits have no sign"),
        })
    })
}

/// `!a`.
///
/// # Errors
/// It is no bits.
pub fn complement(a: &Val) -> Eval<Val> {
    a.map(&mut |leaf| {
        let Some(width) = leaf.base.width() else {
            return wrong("a complement of a number");
        };
        let mask = u128::MAX >> (128 - u32::from(width));
        mapped(leaf, leaf.base, &mut |c| {
            Ok(Cell::int((!(c.int as u128) & mask) as i128))
        })
    })
}

/// `a as T`.
///
/// # Errors
/// It passes a limit.
pub fn cast(ring: Ring, a: &Val, base: Base) -> Eval<Val> {
    let leaf = a.array()?;
    let to_int = |leaf: &Array| match leaf.base {
        Base::Int => Ok(leaf.clone()),
        Base::Fix => mapped(leaf, Base::Int, &mut |c| {
            let floor = c.real.floor();
            let inside = c.error == 0.0
                || c.real - floor > c.error * 1.01 && floor + 1.0 - c.real > c.error * 1.01;
            if !inside {
                return Err(Stop::Limit("a floor too close to call"));
            }
            Ok(Cell::int(floor as i128))
        }),
        _ => mapped(leaf, Base::Int, &mut |c| Ok(Cell::int(ring.wrap(c.int)))),
    };
    Ok(Val::Array(match base {
        _ if leaf.base == base => leaf.clone(),
        Base::Int => to_int(leaf)?,
        Base::Fix => as_fix(&to_int(leaf)?)?,
        _ => {
            let width = u32::from(base.width().unwrap_or(1));
            let mask = u128::MAX >> (128 - width);
            let ints = to_int(leaf)?;
            mapped(&ints, base, &mut |c| {
                Ok(Cell::int((c.int as u128 & mask) as i128))
            })?
        }
    }))
}

/// `if c { a } else { b }` for one condition, or one per element.
///
/// # Errors
/// The arms differ in form.
pub fn selected(c: &Val, a: &Val, b: &Val) -> Eval<Val> {
    let c = c.array()?;
    Val::zip(&[a.clone(), b.clone()], &mut |arms| {
        let (mut a, mut b) = paired(arms[0], arms[1])?;
        if c.secret {
            (a, b) = (a.into_secret(), b.into_secret());
        }
        let (shape, da, db) = broadcast(&a, &b)?;
        let shape = if shape.is_empty() {
            c.shape.clone()
        } else {
            shape
        };
        let n: usize = shape.iter().product();
        let dc = usize::from(!c.shape.is_empty());
        if dc == 1 && c.cells.len() != n {
            return wrong("conditions and arms of different lengths");
        }
        let cells = (0..n)
            .map(|i| {
                let (from, d) = if c.cells[i * dc].int == 1 {
                    (&a, da)
                } else {
                    (&b, db)
                };
                from.cells[if from.shape.is_empty() { 0 } else { i * d }]
            })
            .collect();
        Ok(Array {
            base: a.base,
            shape,
            cells,
            secret: c.secret || a.secret || b.secret,
        })
    })
}
