//! Rust values as inputs and outputs of a compiled program: numbers, truth values and strings; lists
//! and arrays of these.

use std::fmt;

use smpc_ir::party::Elem;

use crate::command::Input;
use crate::endpoint::Failure;
use crate::files::{Element, Flaw};
use crate::number;
use crate::tensor::Tensor;

/// One unit of fixed point, 2^-64, as often as it is in 1.
const UNIT: f64 = 18_446_744_073_709_551_616.0;

/// Values in row-major order with the lengths of their axes, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Array<T> {
    shape: Vec<usize>,
    values: Vec<T>,
}

/// The number of values is not what the lengths of the axes make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// The lengths of the axes.
    pub shape: Vec<usize>,
    /// How many values there are.
    pub found: usize,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} values are no array of shape {:?}",
            self.found, self.shape
        )
    }
}

impl std::error::Error for ShapeError {}

impl<T> Array<T> {
    /// The values of an array in row-major order.
    ///
    /// # Errors
    /// Their number is not the product of the lengths.
    pub fn new(shape: &[usize], values: Vec<T>) -> Result<Self, ShapeError> {
        let count = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        let shape = shape.to_vec();
        if count != Some(values.len()) {
            let found = values.len();
            return Err(ShapeError { shape, found });
        }
        Ok(Self { shape, values })
    }

    /// A matrix from its rows.
    ///
    /// # Errors
    /// The rows differ in length.
    pub fn from_rows(rows: impl IntoIterator<Item = Vec<T>>) -> Result<Self, ShapeError> {
        let (mut height, mut width, mut values) = (0, 0, vec![]);
        for row in rows {
            if height == 0 {
                width = row.len();
            }
            height += 1;
            let found = row.len();
            values.extend(row);
            if found != width {
                let shape = vec![height, width];
                return Err(ShapeError {
                    shape,
                    found: values.len(),
                });
            }
        }
        Self::new(&[height, width], values)
    }

    /// Lengths of the axes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in row-major order.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The values in row-major order.
    pub fn into_values(self) -> Vec<T> {
        self.values
    }

    /// The value at an index of every axis; `None` out of range.
    pub fn get(&self, index: &[usize]) -> Option<&T> {
        if index.len() != self.shape.len() {
            return None;
        }
        let mut at = 0;
        for (i, length) in index.iter().zip(&self.shape) {
            if i >= length {
                return None;
            }
            at = at * length + i;
        }
        self.values.get(at)
    }
}

/// A type of single values.
pub trait Scalar: Clone {
    /// The value as elements of tensors hold it: signed integers, bits, units of 2^-64.
    ///
    /// # Errors
    /// It is no such element: out of range, not a number, too long.
    fn encode(&self, element: Element) -> Result<i128, Flaw>;

    /// The inverse.
    fn decode(value: i128, elem: Elem) -> Self;
}

impl Scalar for f64 {
    fn encode(&self, element: Element) -> Result<i128, Flaw> {
        element.read_float(*self)
    }

    fn decode(value: i128, elem: Elem) -> Self {
        match elem {
            // Both steps round once together: the product by a power of two is exact.
            Elem::Fix => value as f64 / UNIT,
            _ => value as f64,
        }
    }
}

impl Scalar for i64 {
    fn encode(&self, element: Element) -> Result<i128, Flaw> {
        element.read_integer((*self).into())
    }

    fn decode(value: i128, _: Elem) -> Self {
        value as i64
    }
}

impl Scalar for i128 {
    fn encode(&self, element: Element) -> Result<i128, Flaw> {
        element.read_integer(*self)
    }

    fn decode(value: i128, _: Elem) -> Self {
        value
    }
}

impl Scalar for u64 {
    fn encode(&self, element: Element) -> Result<i128, Flaw> {
        element.read_integer((*self).into())
    }

    fn decode(value: i128, _: Elem) -> Self {
        value as u64
    }
}

impl Scalar for u128 {
    fn encode(&self, element: Element) -> Result<i128, Flaw> {
        // The readers of text know all 128 bits; an integer of a file has one less.
        element.read_text(&self.to_string())
    }

    fn decode(value: i128, _: Elem) -> Self {
        value.cast_unsigned()
    }
}

impl Scalar for bool {
    fn encode(&self, element: Element) -> Result<i128, Flaw> {
        element.read_integer((*self).into())
    }

    fn decode(value: i128, _: Elem) -> Self {
        value != 0
    }
}

impl Scalar for String {
    fn encode(&self, element: Element) -> Result<i128, Flaw> {
        element.read_text(self)
    }

    /// What is no UTF-8 becomes the replacement character.
    fn decode(value: i128, elem: Elem) -> Self {
        let bytes = usize::from(elem.wire_bits() / 8).min(16);
        let all = value.cast_unsigned().to_be_bytes();
        let text = String::from_utf8_lossy(&all[16 - bytes..]);
        text.trim_end_matches('\0').to_owned()
    }
}

/// A value, or values along axes.
pub trait Values: Sized {
    /// Lengths of the axes, outermost first.
    fn lengths(&self) -> Vec<usize>;

    /// As an input of a program.
    ///
    /// # Errors
    /// The input has another number of axes, or holds a value that is none of its type.
    fn to_tensor(&self, input: &Input<'_>) -> Result<Tensor, Failure>;

    /// From what a program hands out.
    ///
    /// # Errors
    /// The number of axes is another one.
    fn from_tensor(tensor: &Tensor) -> Result<Self, Failure>;
}

fn encode<T: Scalar>(input: &Input<'_>, shape: &[usize], values: &[T]) -> Result<Tensor, Failure> {
    if shape.len() != input.rank {
        return Err(Failure::setup(format!(
            "input `{}` has shape {shape:?}, not that of {}",
            input.file, input.shown
        )));
    }
    let element = Element {
        ty: input.ty,
        text: input.text,
        ring_bits: input.ring_bits,
        modulus: input.modulus,
    };
    let one = |(at, value): (usize, &T)| {
        value.encode(element).map_err(|flaw| {
            let column = input.column.map_or(String::new(), |c| format!(", `{c}`"));
            let place = format!("input `{}`{column}, value {at}", input.file);
            flawed(&place, &flaw)
        })
    };
    let integers: Result<Vec<i128>, Failure> = values.iter().enumerate().map(one).collect();
    Ok(Tensor::from_i128s(element.elem(), shape, &integers?)?)
}

fn flawed(place: &str, flaw: &Flaw) -> Failure {
    let mut failure = Failure::setup(format!("{place}: {}; {}", flaw.message, flaw.expected));
    failure.code = flaw.code;
    failure
}

fn decode<T: Scalar>(tensor: &Tensor) -> Vec<T> {
    let one = |value: &i128| T::decode(*value, tensor.elem());
    tensor.to_i128s().iter().map(one).collect()
}

fn axes(tensor: &Tensor, wanted: usize) -> Result<(), Failure> {
    if tensor.shape().len() == wanted {
        return Ok(());
    }
    let shape = tensor.shape();
    Err(Failure::setup(format!("an output has shape {shape:?}")))
}

macro_rules! single {
    ($($name:ty),*) => {$(
        impl Values for $name {
            fn lengths(&self) -> Vec<usize> {
                vec![]
            }

            fn to_tensor(&self, input: &Input<'_>) -> Result<Tensor, Failure> {
                encode(input, &[], std::slice::from_ref(self))
            }

            fn from_tensor(tensor: &Tensor) -> Result<Self, Failure> {
                axes(tensor, 0)?;
                let value = decode(tensor).into_iter().next();
                value.ok_or_else(|| Failure::setup("an output has no value"))
            }
        }
    )*};
}

single!(f64, i64, i128, u64, u128, bool, String);

impl<T: Scalar> Values for Vec<T> {
    fn lengths(&self) -> Vec<usize> {
        vec![self.len()]
    }

    fn to_tensor(&self, input: &Input<'_>) -> Result<Tensor, Failure> {
        encode(input, &[self.len()], self)
    }

    fn from_tensor(tensor: &Tensor) -> Result<Self, Failure> {
        axes(tensor, 1)?;
        Ok(decode(tensor))
    }
}

impl<T: Scalar> Values for Array<T> {
    fn lengths(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn to_tensor(&self, input: &Input<'_>) -> Result<Tensor, Failure> {
        encode(input, &self.shape, &self.values)
    }

    fn from_tensor(tensor: &Tensor) -> Result<Self, Failure> {
        Ok(Self {
            shape: tensor.shape().to_vec(),
            values: decode(tensor),
        })
    }
}

/// The length of an axis of an input.
pub fn length(values: &impl Values, axis: usize) -> usize {
    values.lengths().get(axis).copied().unwrap_or(0)
}

/// An output that is handed out once.
///
/// # Errors
/// It was not handed out.
pub fn once<T: Values>(name: &str, given: &[Tensor]) -> Result<T, Failure> {
    match given {
        [one] => T::from_tensor(one),
        _ => Err(Failure::setup(format!(
            "output `{name}` was handed out {} times",
            given.len()
        ))),
    }
}

/// An output that is handed out any number of times, in order.
///
/// # Errors
/// The number of axes is another one.
pub fn each<T: Values>(given: &[Tensor]) -> Result<Vec<T>, Failure> {
    given.iter().map(T::from_tensor).collect()
}

/// The value of a parameter, as all parties compare it. A float means the decimal number that it
/// prints as, as if that were written in the script.
///
/// # Errors
/// It is no value of the parameter's type.
pub fn parameter(
    name: &str,
    value: &impl Scalar,
    element: Element,
    default: Option<i128>,
) -> Result<i128, Failure> {
    let given = value.encode(element);
    let given = given.map_err(|flaw| flawed(&format!("parameter `{name}`"), &flaw))?;
    let smpc_ir::share::Type::Fix(_) = element.ty else {
        return Ok(given);
    };
    // A default with more digits than a float has stays what the script says.
    let float = f64::decode(given, Elem::Fix);
    if let Some(default) = default.filter(|d| f64::decode(*d, Elem::Fix) == float) {
        return Ok(default);
    }
    Ok(number::fixed(&format!("{float}")).unwrap_or(given))
}

#[cfg(test)]
mod tests {
    use super::*;
    use smpc_ir::share::Type;

    fn input(ty: Type, text: bool, rank: usize) -> Input<'static> {
        Input {
            party: 0,
            file: "x",
            column: None,
            ty,
            text,
            ring_bits: 64,
            modulus: None,
            rank,
            shown: "[fix; n]",
            axes: &[],
        }
    }

    fn round<T: Values + PartialEq + fmt::Debug>(value: T, ty: Type, text: bool, rank: usize) {
        let tensor = value.to_tensor(&input(ty, text, rank)).unwrap();
        assert_eq!(T::from_tensor(&tensor).unwrap(), value);
    }

    #[test]
    fn values_come_back() {
        round(-1.5, Type::Fix(16), false, 0);
        round(vec![i64::MIN, 7], Type::Int, false, 1);
        round(u128::MAX, Type::Bits(128), false, 0);
        round(vec![true, false], Type::Bits(1), false, 1);
        round("abc".to_owned(), Type::Bits(32), true, 0);
        let rows = Array::from_rows([vec![1.0, 2.0], vec![3.0, 4.0]]).unwrap();
        assert_eq!(rows.get(&[1, 0]), Some(&3.0));
        round(rows, Type::Fix(16), false, 2);
    }

    #[test]
    fn flaws_are_told() {
        let nan = vec![0.0, f64::NAN].to_tensor(&input(Type::Fix(16), false, 1));
        assert!(nan.unwrap_err().message.contains("input `x`, value 1"));
        let long = "abc".to_owned().to_tensor(&input(Type::Bits(16), true, 0));
        assert_eq!(long.unwrap_err().code, "I12");
        assert!(
            vec![1.0]
                .to_tensor(&input(Type::Fix(16), false, 2))
                .is_err()
        );
        assert!(Array::new(&[2, 2], vec![1]).is_err());
        assert!(Array::from_rows([vec![1], vec![1, 2]]).is_err());
    }

    #[test]
    fn parameters_are_decimals() {
        let element = Element {
            ty: Type::Fix(16),
            text: false,
            ring_bits: 64,
            modulus: None,
        };
        let tenth = number::fixed("0.1").unwrap();
        assert_eq!(parameter("p", &0.1, element, None), Ok(tenth));
        let fine = number::fixed("0.10000000000000000001").unwrap();
        assert_eq!(parameter("p", &0.1, element, Some(fine)), Ok(fine));
    }
}
