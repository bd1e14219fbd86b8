//! What parties compare when one of them may lie: digests, coins from a seed that became known, and
//! the comparison itself.

use sha2::{Digest, Sha256};
use smpc_ir::party::{ASSERTION, Elem};

use crate::LocalError;
use crate::channel::UNMET;
use crate::coin::{uniform_at, uniform_words};
use crate::prg::{Seed, Stream};
use crate::tensor::Tensor;

/// The SHA-256 of tensors as two words of `Bits(128)`. Each goes in as its type, its number of
/// elements and its packed contents, so that no two lists of tensors look alike.
///
/// # Errors
/// None that its inputs can cause.
pub fn digest(args: &[&Tensor]) -> Result<Tensor, LocalError> {
    let mut hash = Sha256::new();
    let mut bytes = vec![];
    for arg in args {
        hash.update(type_tag(arg.elem()));
        hash.update((arg.elements() as u64).to_le_bytes());
        bytes.clear();
        arg.pack(&mut bytes);
        hash.update(&bytes);
    }
    Tensor::unpack(Elem::Bits(128), &[2], hash.finalize().as_slice())
}

fn type_tag(elem: Elem) -> [u8; 17] {
    let (kind, number) = match elem {
        Elem::Ring(k) => (0, u128::from(k)),
        Elem::Bits(m) => (1, u128::from(m)),
        Elem::Field(p) => (2, p.modulus()),
        Elem::Fix => (3, 0),
    };
    let mut tag = [kind; 17];
    tag[1..].copy_from_slice(&number.to_le_bytes());
    tag
}

/// Uniform elements from a seed, a scalar of `Bits(128)`.
///
/// # Errors
/// The shape is too large, or the type has no uniform coin.
pub fn expand(seed: &Tensor, elem: Elem, shape: &[usize]) -> Result<Tensor, LocalError> {
    if seed.elem() != Elem::Bits(128) || seed.elements() != 1 {
        return Err(LocalError::Mismatch("a seed is a scalar of 128 bits"));
    }
    let mut bytes = vec![];
    seed.pack(&mut bytes);
    let key = bytes
        .try_into()
        .map_err(|_| LocalError::Mismatch("a seed is a scalar of 128 bits"))?;
    let mut stream = Stream::new(&Seed::from_bytes(key));
    let words = uniform_words(elem, shape)?;
    let start = stream.reserve(words as u64).ok_or(LocalError::Exhausted)?;
    uniform_at(elem, shape, &stream, start)
}

/// Whether every element of a is that of b, which may be a scalar.
pub fn agree(a: &Tensor, b: &Tensor) -> bool {
    if a.elem() != b.elem() {
        return false;
    }
    if a.shape() == b.shape() {
        return a.data() == b.data();
    }
    let wanted = b.scalar();
    wanted.is_some() && (0..a.elements()).all(|i| a.at(i) == wanted)
}

/// The code of a check that failed: parties disagree, or an assertion of the script does not hold.
pub fn failed_check(protocol: &str) -> &'static str {
    if protocol == ASSERTION { UNMET } else { "I33" }
}

/// Why a check failed, in the user's words.
pub fn disagreement(protocol: &str) -> String {
    if protocol == ASSERTION {
        return "what the script asserts does not hold".to_owned();
    }
    if protocol.is_empty() {
        return "parties disagree: one of them does not follow the protocol".to_owned();
    }
    format!("parties disagree in `{protocol}`: one of them does not follow the protocol")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(shape: &[usize], values: &[i128]) -> Tensor {
        Tensor::from_i128s(Elem::Ring(64), shape, values).unwrap()
    }

    #[test]
    fn digests_tell_lists_apart() {
        let (a, b) = (ints(&[2], &[1, 2]), ints(&[1], &[3]));
        let joined = ints(&[3], &[1, 2, 3]);
        let bits = Tensor::from_i128s(Elem::Bits(64), &[2], &[1, 2]).unwrap();
        let all = [
            digest(&[&a, &b]).unwrap(),
            digest(&[&b, &a]).unwrap(),
            digest(&[&joined]).unwrap(),
            digest(&[&a]).unwrap(),
            digest(&[&bits]).unwrap(),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != one), "{i}");
            assert_eq!((one.elem(), one.shape()), (Elem::Bits(128), &[2][..]));
        }
        assert_eq!(digest(&[&a, &b]), Ok(all[0].clone()));
    }

    #[test]
    fn a_seed_gives_one_vector() {
        let seed = Tensor::from_i128s(Elem::Bits(128), &[], &[77]).unwrap();
        let other = Tensor::from_i128s(Elem::Bits(128), &[], &[78]).unwrap();
        for elem in [
            Elem::Ring(64),
            Elem::Bits(3),
            Elem::Field(smpc_ir::field::Prime::new(101).unwrap()),
        ] {
            let one = expand(&seed, elem, &[40]).unwrap();
            assert_eq!(expand(&seed, elem, &[40]), Ok(one.clone()));
            assert_ne!(expand(&other, elem, &[40]), Ok(one));
        }
        assert!(expand(&ints(&[], &[1]), Elem::Ring(64), &[1]).is_err());
    }

    #[test]
    fn one_element_makes_a_difference() {
        let zero = ints(&[], &[0]);
        assert!(agree(&ints(&[3], &[0, 0, 0]), &zero));
        assert!(!agree(&ints(&[3], &[0, 0, 1]), &zero));
        assert!(agree(&ints(&[2], &[4, 5]), &ints(&[2], &[4, 5])));
        assert!(!agree(&ints(&[2], &[4, 5]), &ints(&[1, 2], &[4, 5])));
    }
}
