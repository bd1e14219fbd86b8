//! Arrays of the shadow: reals, exact integers, bit vectors.

/// Elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Fixed point, as reals.
    Real(Vec<f64>),
    /// Integers that do not wrap, up to 127 bits.
    Int(Vec<i128>),
    /// Bit vectors of this width.
    Bits(u8, Vec<u128>),
}

/// An array with its shape; empty for a scalar.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Elements.
    pub data: Data,
    /// The order of rows is unknown to the shadow: a shuffle lies behind it.
    pub shuffled: bool,
    /// Integers or bits that depend on fixed point, which rounds, or on an integer that left the ring: the run may have others.
    pub inexact: bool,
}

/// The same expression for each kind of elements.
macro_rules! each {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            Data::Real($v) => Data::Real($body),
            Data::Int($v) => Data::Int($body),
            Data::Bits(m, $v) => Data::Bits(*m, $body),
        }
    };
}

impl Array {
    /// An array in known order.
    pub fn new(shape: Vec<usize>, data: Data) -> Self {
        Self {
            shape,
            data,
            shuffled: false,
            inexact: false,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements picked by their positions, in a new shape.
    pub fn pick(&self, shape: Vec<usize>, positions: &[usize]) -> Self {
        let data = each!(&self.data, v => positions.iter().map(|p| v[*p]).collect());
        Self {
            shape,
            data,
            shuffled: self.shuffled,
            inexact: self.inexact,
        }
    }

    /// The same elements in another shape.
    pub fn reshaped(&self, shape: Vec<usize>) -> Self {
        Self {
            shape,
            ..self.clone()
        }
    }

    /// The elements as reals.
    pub fn reals(&self) -> Vec<f64> {
        match &self.data {
            Data::Real(v) => v.clone(),
            Data::Int(v) => v.iter().map(|x| *x as f64).collect(),
            Data::Bits(_, v) => v.iter().map(|x| *x as f64).collect(),
        }
    }

    /// The elements as integers; reals are floored.
    pub fn ints(&self) -> Vec<i128> {
        match &self.data {
            Data::Real(v) => v.iter().map(|x| x.floor() as i128).collect(),
            Data::Int(v) => v.clone(),
            Data::Bits(_, v) => v.iter().map(|x| *x as i128).collect(),
        }
    }

    /// The position of each element of `shape` in this array, which broadcasts to it.
    pub fn broadcast_positions(&self, shape: &[usize]) -> Vec<usize> {
        let total: usize = shape.iter().product();
        if self.shape.is_empty() {
            return vec![0; total];
        }
        let steps = strides(&self.shape);
        let full = strides(shape);
        (0..total)
            .map(|at| {
                (0..shape.len())
                    .map(|axis| {
                        let i = at / full[axis] % shape[axis];
                        if self.shape[axis] == 1 {
                            0
                        } else {
                            i * steps[axis]
                        }
                    })
                    .sum()
            })
            .collect()
    }

    /// Repeated to a shape.
    pub fn broadcast(&self, shape: &[usize]) -> Self {
        if self.shape == shape {
            return self.clone();
        }
        self.pick(shape.to_vec(), &self.broadcast_positions(shape))
    }
}

/// Distance between neighbours along each axis.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        steps[axis] = steps[axis + 1] * shape[axis + 1];
    }
    steps
}

/// The arrays after each other along an axis.
pub(crate) fn concat(parts: &[&Array], axis: usize) -> Option<Array> {
    let first = parts.first()?;
    let outer: usize = first.shape[..axis].iter().product();
    let mut shape = first.shape.clone();
    shape[axis] = parts.iter().map(|p| p.shape[axis]).sum();
    let mut data = match &first.data {
        Data::Real(_) => Data::Real(vec![]),
        Data::Int(_) => Data::Int(vec![]),
        Data::Bits(m, _) => Data::Bits(*m, vec![]),
    };
    for o in 0..outer {
        for part in parts {
            let width: usize = part.shape[axis..].iter().product();
            let range = o * width..(o + 1) * width;
            match (&mut data, &part.data) {
                (Data::Real(to), Data::Real(from)) => to.extend(&from[range]),
                (Data::Int(to), Data::Int(from)) => to.extend(&from[range]),
                (Data::Bits(_, to), Data::Bits(_, from)) => to.extend(&from[range]),
                _ => return None,
            }
        }
    }
    Some(Array {
        shape,
        data,
        shuffled: parts.iter().any(|p| p.shuffled),
        inexact: parts.iter().any(|p| p.inexact),
    })
}
