//! What expressions evaluate to: exact integers and bits, and reals with a bound on how far a run
//! under any scheme may be from them.

use super::ast::Base;

/// One unit of secret fixed point.
pub const UNIT: f64 = 1.0 / 65536.0;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// A documented limit is passed, or a comparison is too close to call.
    Limit(&'static str),
    /// The script is not what the generator or shrinker took it for.
    Wrong(String),
}

/// A value or why not.
pub type Eval<T> = Result<T, Stop>;

/// A mistake in the script.
pub fn wrong<T>(what: impl Into<String>) -> Eval<T> {
    Err(Stop::Wrong(what.into()))
}

/// One element.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// The integer, or the bits.
    pub int: i128,
    /// The real number.
    pub real: f64,
    /// How far off a run may be.
    pub error: f64,
}

impl Cell {
    /// An integer, or bits.
    pub fn int(int: i128) -> Self {
        Self {
            int,
            ..Self::default()
        }
    }

    /// A bool.
    pub fn bool(b: bool) -> Self {
        Self::int(i128::from(b))
    }

    /// A real number with its error; what a double cannot hold adds to it.
    pub fn real(real: f64, error: f64) -> Eval<Self> {
        if !real.is_finite() || real.abs() >= 2f64.powi(40) {
            return Err(Stop::Limit("fixed point beyond 2^40"));
        }
        if !error.is_finite() {
            return Err(Stop::Limit("errors that grow beyond all numbers"));
        }
        let grid = real * 2f64.powi(20);
        let lost = if grid.fract() == 0.0 && error == 0.0 {
            0.0
        } else {
            real.abs() * 1e-15 + 2f64.powi(-60)
        };
        Ok(Self {
            int: 0,
            real,
            error: error + lost,
        })
    }

    /// As it is once shared: on the grid of secret fixed point.
    pub fn shared(self) -> Self {
        if (self.real * 65536.0).fract() == 0.0 && self.error == 0.0 {
            return self;
        }
        Self {
            error: self.error + 0.75 * UNIT,
            ..self
        }
    }
}

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Elements.
    pub base: Base,
    /// Lengths.
    pub shape: Vec<usize>,
    /// Row-major.
    pub cells: Vec<Cell>,
    /// Whether it may be shares.
    pub secret: bool,
}

impl Array {
    /// A clear scalar.
    pub fn scalar(base: Base, cell: Cell) -> Self {
        Self {
            base,
            shape: vec![],
            cells: vec![cell],
            secret: false,
        }
    }

    /// As shares.
    pub fn into_secret(mut self) -> Self {
        if !self.secret && self.base == Base::Fix {
            self.cells.iter_mut().for_each(|c| *c = c.shared());
        }
        self.secret = true;
        self
    }

    /// The element of a scalar.
    pub fn only(&self) -> Eval<Cell> {
        match (self.shape.len(), self.cells.first()) {
            (0, Some(cell)) => Ok(*cell),
            _ => wrong("a scalar is needed"),
        }
    }

    /// Element or row i.
    pub fn row(&self, i: i128) -> Eval<Self> {
        let Some(n) = self.shape.first().copied() else {
            return wrong("a scalar has no rows");
        };
        let i = usize::try_from(i).ok().filter(|i| *i < n);
        let Some(i) = i else {
            return Err(Stop::Limit("an index out of range"));
        };
        let width = self.cells.len() / n;
        Ok(Self {
            base: self.base,
            shape: self.shape[1..].to_vec(),
            cells: self.cells[i * width..(i + 1) * width].to_vec(),
            secret: self.secret,
        })
    }

    /// All rows.
    pub fn rows(&self) -> Eval<Vec<Self>> {
        let n = self.shape.first().copied().unwrap_or(0);
        (0..n).map(|i| self.row(i as i128)).collect()
    }

    /// Exchanges the last two axes of a matrix.
    pub fn transposed(&self) -> Eval<Self> {
        let [n, m] = self.shape[..] else {
            return wrong("a matrix is needed");
        };
        let cells = (0..n * m)
            .map(|at| self.cells[at % n * m + at / n])
            .collect();
        Ok(Self {
            shape: vec![m, n],
            cells,
            ..self.clone()
        })
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    /// A tensor or scalar.
    Array(Array),
    /// A tuple.
    Tuple(Vec<Val>),
    /// A struct, or a table of them by column.
    Record(Vec<(String, Val)>),
    /// One value per member of a family.
    Family(Vec<Val>),
}

impl Val {
    /// The tensor.
    pub fn array(&self) -> Eval<&Array> {
        match self {
            Self::Array(array) => Ok(array),
            _ => wrong("a tensor is needed"),
        }
    }

    /// Its tensors in order.
    pub fn leaves(&self) -> Vec<&Array> {
        match self {
            Self::Array(array) => vec![array],
            Self::Tuple(items) | Self::Family(items) => {
                items.iter().flat_map(Self::leaves).collect()
            }
            Self::Record(fields) => fields.iter().flat_map(|(_, v)| v.leaves()).collect(),
        }
    }

    /// The same of other tensors.
    pub fn map(&self, f: &mut dyn FnMut(&Array) -> Eval<Array>) -> Eval<Self> {
        Ok(match self {
            Self::Array(array) => Self::Array(f(array)?),
            Self::Tuple(items) => Self::Tuple(items.iter().map(|i| i.map(f)).collect::<Eval<_>>()?),
            Self::Family(items) => {
                Self::Family(items.iter().map(|i| i.map(f)).collect::<Eval<_>>()?)
            }
            Self::Record(fields) => {
                let field = |(n, v): &(String, Self), f: &mut dyn FnMut(&Array) -> Eval<Array>| {
                    Ok((n.clone(), v.map(f)?))
                };
                Self::Record(fields.iter().map(|p| field(p, f)).collect::<Eval<_>>()?)
            }
        })
    }

    /// Several of one form, their tensors combined.
    pub fn zip(vals: &[Self], f: &mut dyn FnMut(&[&Array]) -> Eval<Array>) -> Eval<Self> {
        let Some(first) = vals.first() else {
            return wrong("nothing to combine");
        };
        let leaves: Vec<Vec<&Array>> = vals.iter().map(Self::leaves).collect();
        if leaves.iter().any(|l| l.len() != leaves[0].len()) {
            return wrong("values of different forms");
        }
        let mut at = 0;
        first.map(&mut |_| {
            let these: Vec<&Array> = leaves.iter().map(|l| l[at]).collect();
            at += 1;
            f(&these)
        })
    }

    /// Whether a part may be shares.
    pub fn is_secret(&self) -> bool {
        self.leaves().iter().any(|l| l.secret)
    }

    /// As shares.
    pub fn into_secret(self) -> Eval<Self> {
        self.map(&mut |leaf| Ok(leaf.clone().into_secret()))
    }
}

/// Tensors of one shape as the rows of one.
pub fn stacked(rows: &[&Array]) -> Eval<Array> {
    let joined = joined(rows, false)?;
    let Some(first) = rows.first() else {
        return wrong("no rows");
    };
    let mut shape = vec![rows.len()];
    shape.extend(&first.shape);
    Ok(Array { shape, ..joined })
}

/// Tensors after each other along the first axis, if they have one.
pub fn joined(parts: &[&Array], axis: bool) -> Eval<Array> {
    let Some(first) = parts.first() else {
        return wrong("nothing to join");
    };
    let secret = parts.iter().any(|p| p.secret);
    let fix = parts.iter().any(|p| p.base == Base::Fix);
    let mut cells = vec![];
    let mut shape = first.shape.clone();
    for (at, part) in parts.iter().enumerate() {
        let part = match fix {
            true => as_fix(part)?,
            false => (*part).clone(),
        };
        if !fix && part.base != first.base || part.shape.len() != first.shape.len() {
            return wrong("parts of different types");
        }
        if axis && at > 0 {
            shape[0] += part.shape[0];
        }
        let part = if secret { part.into_secret() } else { part };
        cells.extend(part.cells);
    }
    Ok(Array {
        base: if fix { Base::Fix } else { first.base },
        shape,
        cells,
        secret,
    })
}

/// An int as a fix.
pub fn as_fix(array: &Array) -> Eval<Array> {
    match array.base {
        Base::Fix => Ok(array.clone()),
        Base::Int => {
            let cells = array
                .cells
                .iter()
                .map(|c| {
                    if c.int.unsigned_abs() >= 1 << 30 {
                        return Err(Stop::Limit("an int beyond 2^30 as fix"));
                    }
                    Cell::real(c.int as f64, 0.0)
                })
                .collect::<Eval<_>>()?;
            Ok(Array {
                base: Base::Fix,
                cells,
                ..array.clone()
            })
        }
        _ => wrong("bits are no number"),
    }
}
