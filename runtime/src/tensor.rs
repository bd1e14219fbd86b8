//! Tensors: an element type, a shape, and the elements in row-major order.

use crate::LocalError;
use crate::memory::room;
use crate::pool;
use smpc_ir::party::Elem;

/// Elements in memory. Invariant: every element is reduced to its width or modulus, and unused bits
/// of the last packed word are zero.
#[derive(Debug, PartialEq, Eq)]
pub enum Data {
    /// `Bits(1)`: element i is bit i mod 64 of word i / 64.
    Packed(Vec<u64>),
    /// `Ring(1..=64)`, `Bits(2..=64)` and fields below 2^64: one word per element.
    Words(Vec<u64>),
    /// `Ring`, `Bits` and fields of 65 to 128 bits.
    Wide(Vec<u128>),
    /// Clear fixed point in units of 2^-64.
    Fixed(Vec<i128>),
}

impl Clone for Data {
    fn clone(&self) -> Self {
        fn copy<T: pool::Pooled>(from: &[T]) -> Vec<T> {
            let mut buffer = pool::empty(from.len());
            buffer.extend_from_slice(from);
            buffer
        }
        match self {
            Self::Packed(v) => Self::Packed(copy(v)),
            Self::Words(v) => Self::Words(copy(v)),
            Self::Wide(v) => Self::Wide(copy(v)),
            Self::Fixed(v) => Self::Fixed(copy(v)),
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        match self {
            Self::Packed(v) | Self::Words(v) => pool::give(std::mem::take(v)),
            Self::Wide(v) => pool::give(std::mem::take(v)),
            Self::Fixed(v) => pool::give(std::mem::take(v)),
        }
    }
}

/// A tensor of any rank; a scalar has rank 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    elem: Elem,
    shape: Vec<usize>,
    data: Data,
}

/// How many elements a shape has.
///
/// # Errors
/// [`LocalError::TooLarge`] beyond 2^40.
pub fn count(shape: &[usize]) -> Result<usize, LocalError> {
    shape
        .iter()
        .try_fold(1usize, |n, d| n.checked_mul(*d))
        .filter(|n| *n <= 1 << 40)
        .ok_or(LocalError::TooLarge)
}

/// The low `bits` (1 to 64) bits.
#[inline]
pub fn mask(bits: u8) -> u64 {
    u64::MAX >> (64 - u32::from(bits.clamp(1, 64)))
}

/// The low `bits` (1 to 128) bits.
#[inline]
pub fn wide_mask(bits: u8) -> u128 {
    u128::MAX >> (128 - u32::from(bits.clamp(1, 128)))
}

/// `raw`, of which the low `bits` count, read as a signed integer.
pub fn sign_extend(raw: u128, bits: u8) -> i128 {
    let unused = 128 - u32::from(bits.clamp(1, 128));
    (raw << unused).cast_signed() >> unused
}

impl Tensor {
    /// Zeros.
    ///
    /// # Errors
    /// The shape is too large.
    pub fn zeros(elem: Elem, shape: &[usize]) -> Result<Self, LocalError> {
        let n = room(elem, shape)?;
        let data = match elem {
            Elem::Bits(1) => Data::Packed(pool::zeros(n.div_ceil(64))),
            Elem::Ring(..=64) | Elem::Bits(..=64) => Data::Words(pool::zeros(n)),
            Elem::Field(p) if p.bits() <= 64 => Data::Words(pool::zeros(n)),
            Elem::Ring(_) | Elem::Bits(_) | Elem::Field(_) => Data::Wide(pool::zeros(n)),
            Elem::Fix => Data::Fixed(pool::zeros(n)),
        };
        Ok(Self::raw(elem, shape, data))
    }

    /// Every element is `value`, reduced to the element type; for fixed point in units of 2^-64.
    ///
    /// # Errors
    /// The shape is too large.
    pub fn constant(elem: Elem, shape: &[usize], value: i128) -> Result<Self, LocalError> {
        let value = literal(elem, value);
        Self::from_raw_fn(elem, shape, |_| value)
    }

    /// The given elements in row-major order, as in [`Tensor::constant`].
    ///
    /// # Errors
    /// Their number is not the shape's.
    pub fn from_i128s(elem: Elem, shape: &[usize], values: &[i128]) -> Result<Self, LocalError> {
        let expected = count(shape)?;
        if values.len() != expected {
            return Err(LocalError::Length {
                expected,
                found: values.len(),
            });
        }
        Self::from_raw_fn(elem, shape, |i| literal(elem, values[i]))
    }

    /// Elements of at most 64 bits, one per word; reduced to their width.
    ///
    /// # Errors
    /// Their number is not the shape's, or the element type is wider.
    pub fn from_words(
        elem: Elem,
        shape: &[usize],
        mut words: Vec<u64>,
    ) -> Result<Self, LocalError> {
        let expected = count(shape)?;
        if words.len() != expected {
            return Err(LocalError::Length {
                expected,
                found: words.len(),
            });
        }
        match elem {
            Elem::Bits(1) => {
                let packed = pack_bits(words.iter().map(|w| w & 1 == 1), expected);
                Ok(Self::raw(elem, shape, Data::Packed(packed)))
            }
            Elem::Ring(k @ ..=64) | Elem::Bits(k @ ..=64) => {
                if k < 64 {
                    words.iter_mut().for_each(|w| *w &= mask(k));
                }
                Ok(Self::raw(elem, shape, Data::Words(words)))
            }
            Elem::Field(p) if p.bits() <= 64 => {
                for word in &mut words {
                    *word = p.reduce((*word).into()) as u64;
                }
                Ok(Self::raw(elem, shape, Data::Words(words)))
            }
            _ => Err(LocalError::Mismatch("words of a wider element type")),
        }
    }

    /// Element i is the low bits of `f(i)`; in a field `f(i)` itself, a residue; for fixed point,
    /// 128 signed bits.
    pub(crate) fn from_raw_fn(
        elem: Elem,
        shape: &[usize],
        mut f: impl FnMut(usize) -> u128,
    ) -> Result<Self, LocalError> {
        Self::try_from_raw_fn(elem, shape, |i| Ok(f(i)))
    }

    /// As [`Tensor::from_raw_fn`], stopping at the first error.
    pub(crate) fn try_from_raw_fn(
        elem: Elem,
        shape: &[usize],
        mut f: impl FnMut(usize) -> Result<u128, LocalError>,
    ) -> Result<Self, LocalError> {
        let mut tensor = Self::zeros(elem, shape)?;
        let n = tensor.elements();
        match &mut tensor.data {
            Data::Packed(words) => {
                for i in 0..n {
                    words[i / 64] |= (f(i)? as u64 & 1) << (i % 64);
                }
            }
            Data::Words(words) => {
                let mask = mask(elem.wire_bits());
                for (i, word) in words.iter_mut().enumerate() {
                    *word = f(i)? as u64 & mask;
                }
            }
            Data::Wide(words) => {
                let mask = wide_mask(elem.wire_bits());
                for (i, word) in words.iter_mut().enumerate() {
                    *word = f(i)? & mask;
                }
            }
            Data::Fixed(values) => {
                for (i, value) in values.iter_mut().enumerate() {
                    *value = f(i)?.cast_signed();
                }
            }
        }
        Ok(tensor)
    }

    /// Trusts that `data` fits.
    pub(crate) fn raw(elem: Elem, shape: &[usize], data: Data) -> Self {
        Self {
            elem,
            shape: shape.to_vec(),
            data,
        }
    }

    /// The element type.
    pub fn elem(&self) -> Elem {
        self.elem
    }

    /// Dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// One word per element, where elements are stored so (`Ring(1..=64)`, `Bits(2..=64)`, fields
    /// below 2^64).
    pub fn words(&self) -> Option<&[u64]> {
        match &self.data {
            Data::Words(words) => Some(words),
            _ => None,
        }
    }

    /// As [`Tensor::words`], to be written with words reduced to the element's width or modulus.
    pub fn words_mut(&mut self) -> Option<&mut [u64]> {
        match &mut self.data {
            Data::Words(words) => Some(words),
            _ => None,
        }
    }

    /// The same elements in another shape, without copying.
    ///
    /// # Errors
    /// The numbers of elements differ.
    pub fn reshaped(mut self, shape: &[usize]) -> Result<Self, LocalError> {
        if count(shape)? != self.elements() {
            return Err(LocalError::Mismatch("a reshape keeps the elements"));
        }
        self.shape = shape.to_vec();
        Ok(self)
    }

    /// Element i as unsigned low bits; fixed point as 128 bits.
    pub(crate) fn raw_at(&self, i: usize) -> u128 {
        match &self.data {
            Data::Packed(words) => u128::from(words[i / 64] >> (i % 64) & 1),
            Data::Words(words) => u128::from(words[i]),
            Data::Wide(words) => words[i],
            Data::Fixed(values) => values[i].cast_unsigned(),
        }
    }

    /// Element i: signed for rings and fields, unsigned for bits (128 of them: as they are), in units of
    /// 2^-64 for fixed point. `None` out of range.
    pub fn at(&self, i: usize) -> Option<i128> {
        (i < self.elements()).then(|| self.integer(i))
    }

    pub(crate) fn integer(&self, i: usize) -> i128 {
        match self.elem {
            Elem::Ring(k) => sign_extend(self.raw_at(i), k),
            Elem::Field(p) => p.signed(self.raw_at(i)),
            Elem::Bits(_) | Elem::Fix => self.raw_at(i).cast_signed(),
        }
    }

    /// The only element of a scalar or of a tensor with one element, as in [`Tensor::at`].
    pub fn scalar(&self) -> Option<i128> {
        if self.elements() == 1 {
            self.at(0)
        } else {
            None
        }
    }

    /// All elements as in [`Tensor::at`].
    pub fn to_i128s(&self) -> Vec<i128> {
        (0..self.elements()).map(|i| self.integer(i)).collect()
    }

    /// Bytes in a message.
    pub fn wire_bytes(&self) -> usize {
        wire_bytes(self.elem, self.elements()).unwrap_or(usize::MAX)
    }

    /// Appends the elements, packed without gaps, lowest bit first, and padded to a whole byte.
    pub fn pack(&self, out: &mut Vec<u8>) {
        let bytes = self.wire_bytes();
        out.reserve(bytes);
        match &self.data {
            Data::Packed(words) => append_words(words, bytes, out),
            Data::Words(words) if self.elem.wire_bits() == 64 => append_words(words, bytes, out),
            Data::Words(words) => {
                let joined = join(words, self.elem.wire_bits().into());
                append_words(&joined, bytes, out);
                pool::give(joined);
            }
            Data::Wide(words) => {
                let width = u32::from(self.elem.wire_bits());
                if width == 128 {
                    out.extend(words.iter().flat_map(|w| w.to_le_bytes()));
                } else {
                    append_words(&join_wide(words, width), bytes, out);
                }
            }
            Data::Fixed(values) => out.extend(values.iter().flat_map(|w| w.to_le_bytes())),
        }
    }

    /// The inverse of [`Tensor::pack`]; padding bits are ignored.
    ///
    /// # Errors
    /// The number of bytes is not the shape's, or an element of a field is not below its modulus.
    pub fn unpack(elem: Elem, shape: &[usize], bytes: &[u8]) -> Result<Self, LocalError> {
        let n = count(shape)?;
        let expected = wire_bytes(elem, n).ok_or(LocalError::TooLarge)?;
        if bytes.len() != expected {
            return Err(LocalError::Length {
                expected,
                found: bytes.len(),
            });
        }
        let width = elem.wire_bits();
        let data = match elem {
            Elem::Bits(1) => {
                let mut words = read_words(bytes);
                clear_tail(&mut words, n);
                Data::Packed(words)
            }
            Elem::Field(p) if p.bits() <= 64 => {
                let words = split(&read_words(bytes), width.into(), n);
                let modulus = p.modulus() as u64;
                if !words.iter().fold(true, |fine, w| fine & (*w < modulus)) {
                    return Err(LocalError::NoResidue);
                }
                Data::Words(words)
            }
            Elem::Field(p) => {
                let words = split_wide(&read_words(bytes), width.into(), n);
                if !words.iter().fold(true, |fine, w| fine & (*w < p.modulus())) {
                    return Err(LocalError::NoResidue);
                }
                Data::Wide(words)
            }
            Elem::Ring(64) | Elem::Bits(64) => Data::Words(read_words(bytes)),
            Elem::Ring(..=64) | Elem::Bits(..=64) => {
                Data::Words(split(&read_words(bytes), width.into(), n))
            }
            Elem::Ring(_) | Elem::Bits(_) => {
                Data::Wide(split_wide(&read_words(bytes), width.into(), n))
            }
            Elem::Fix => {
                let chunks = bytes.as_chunks::<16>().0;
                Data::Fixed(chunks.iter().map(|b| i128::from_le_bytes(*b)).collect())
            }
        };
        Ok(Self::raw(elem, shape, data))
    }
}

/// A literal's low bits; in a field its residue.
fn literal(elem: Elem, value: i128) -> u128 {
    match elem {
        Elem::Field(p) => p.residue(value),
        _ => value.cast_unsigned(),
    }
}

/// Bytes of `n` elements in a message; `None` beyond the address space.
pub fn wire_bytes(elem: Elem, n: usize) -> Option<usize> {
    n.checked_mul(elem.wire_bits().into())
        .map(|bits| bits.div_ceil(8))
}

/// Bits, 64 to a word.
pub(crate) fn pack_bits(bits: impl Iterator<Item = bool>, n: usize) -> Vec<u64> {
    let mut words = pool::empty(n.div_ceil(64));
    let (mut word, mut held) = (0u64, 0);
    for bit in bits {
        word |= u64::from(bit) << held;
        held += 1;
        if held == 64 {
            words.push(word);
            (word, held) = (0, 0);
        }
    }
    if held > 0 {
        words.push(word);
    }
    words
}

/// Zeroes what follows the n-th bit in the last word.
pub(crate) fn clear_tail(words: &mut [u64], n: usize) {
    if !n.is_multiple_of(64)
        && let Some(last) = words.last_mut()
    {
        *last &= mask((n % 64) as u8);
    }
}

/// Appends the bits `start..start + n` of `from` to the first `length` bits of `out`, which has no
/// words beyond and zeros after them.
pub(crate) fn append_bits(out: &mut Vec<u64>, length: usize, from: &[u64], start: usize, n: usize) {
    let mut taken = 0;
    while taken < n {
        let at = start + taken;
        let (i, shift) = (at / 64, at % 64);
        let high = match from.get(i + 1) {
            Some(word) if shift > 0 => word << (64 - shift),
            _ => 0,
        };
        let bits = (n - taken).min(64);
        let word = (from[i] >> shift | high) & mask(bits as u8);
        let free = (length + taken) % 64;
        if free == 0 {
            out.push(word);
        } else if let Some(last) = out.last_mut() {
            *last |= word << free;
            if free + bits > 64 {
                out.push(word >> (64 - free));
            }
        }
        taken += bits;
    }
}

fn append_words(words: &[u64], bytes: usize, out: &mut Vec<u8>) {
    let whole = &words[..bytes / 8];
    if cfg!(target_endian = "little") {
        // SAFETY: any word is eight bytes, and bytes have no alignment.
        let view = unsafe { std::slice::from_raw_parts(whole.as_ptr().cast(), 8 * whole.len()) };
        out.extend_from_slice(view);
    } else {
        out.extend(whole.iter().flat_map(|w| w.to_le_bytes()));
    }
    if let Some(last) = words.get(whole.len()) {
        out.extend(&last.to_le_bytes()[..bytes % 8]);
    }
}

fn read_words(bytes: &[u8]) -> Vec<u64> {
    let mut words = pool::empty(bytes.len().div_ceil(8));
    let (whole, rest) = bytes.as_chunks::<8>();
    words.extend(whole.iter().map(|b| u64::from_le_bytes(*b)));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        words.push(u64::from_le_bytes(last));
    }
    words
}

/// Elements of `width` bits, one after the other without gaps. The elements are reduced.
pub(crate) fn join(elements: &[u64], width: u32) -> Vec<u64> {
    let total = (elements.len() * width as usize).div_ceil(64);
    let mut out = pool::empty(total);
    if width.is_power_of_two() {
        let whole = |chunk: &[u64]| {
            let fields = chunk.iter().zip(0u32..);
            fields.fold(0, |word, (x, j)| word | x << (j * width))
        };
        out.extend(elements.chunks((64 / width) as usize).map(whole));
        return out;
    }
    let (mut word, mut held) = (0u64, 0u32);
    for element in elements {
        word |= element << held;
        held += width;
        if held >= 64 {
            out.push(word);
            held -= 64;
            word = if held == 0 {
                0
            } else {
                element >> (width - held)
            };
        }
    }
    if held > 0 {
        out.push(word);
    }
    out
}

/// The inverse of [`join`] for `n` elements of 1 to 64 bits. `words` holds at least n·width bits.
pub(crate) fn split(words: &[u64], width: u32, n: usize) -> Vec<u64> {
    let mut out = pool::empty(n);
    let mask = mask(width as u8);
    if width.is_power_of_two() {
        out.resize(n, 0);
        for (fields, word) in out.chunks_mut((64 / width) as usize).zip(words) {
            for (x, j) in fields.iter_mut().zip(0u32..) {
                *x = (word >> (j * width)) & mask;
            }
        }
        return out;
    }
    let mut at = 0usize;
    for _ in 0..n {
        let (word, shift) = (at / 64, (at % 64) as u32);
        let mut element = words[word] >> shift;
        if shift + width > 64 {
            element |= words[word + 1] << (64 - shift);
        }
        out.push(element & mask);
        at += width as usize;
    }
    out
}

/// As [`join`], of 65 to 128 bits.
pub(crate) fn join_wide(elements: &[u128], width: u32) -> Vec<u64> {
    let total = (elements.len() * width as usize).div_ceil(64);
    let mut out = pool::empty(total);
    let (mut word, mut held) = (0u64, 0u32);
    for element in elements {
        for (part, bits) in [(*element as u64, 64), ((element >> 64) as u64, width - 64)] {
            word |= part << held;
            held += bits;
            if held >= 64 {
                out.push(word);
                held -= 64;
                word = if held == 0 { 0 } else { part >> (bits - held) };
            }
        }
    }
    if held > 0 {
        out.push(word);
    }
    out
}

/// As [`split`], of 65 to 128 bits.
pub(crate) fn split_wide(words: &[u64], width: u32, n: usize) -> Vec<u128> {
    let mut out = pool::empty(n);
    let word = |i: usize| u128::from(words.get(i).copied().unwrap_or(0));
    let mut at = 0usize;
    for _ in 0..n {
        let (first, shift) = (at / 64, (at % 64) as u32);
        let mut element = (word(first) | word(first + 1) << 64) >> shift;
        if shift > 0 {
            element |= word(first + 2) << (128 - shift);
        }
        out.push(element & wide_mask(width as u8));
        at += width as usize;
    }
    out
}
