//! Words of an element type: integers modulo 2^k or modulo a prime, vectors of bits. A word is
//! always reduced: below 2^k, below p, or within the width.

use smpc_ir::party::Elem;

/// The width of an element.
pub fn width(elem: Elem) -> u8 {
    elem.wire_bits()
}

/// All ones in the width of an element.
pub fn mask(elem: Elem) -> u128 {
    match width(elem) {
        0 => 0,
        m if m >= 128 => u128::MAX,
        m => (1 << m) - 1,
    }
}

/// How many elements there are; 0 stands for 2^128.
pub fn order(elem: Elem) -> u128 {
    match elem {
        Elem::Field(p) => p.modulus(),
        _ => mask(elem).wrapping_add(1),
    }
}

/// Binary digits of the number of elements.
pub fn bits(elem: Elem) -> f64 {
    match elem {
        Elem::Field(p) => (p.modulus() as f64).log2(),
        _ => f64::from(width(elem)),
    }
}

pub(crate) fn is_bits(elem: Elem) -> bool {
    matches!(elem, Elem::Bits(_))
}

/// The one of multiplication: all ones for vectors of bits.
pub fn one(elem: Elem) -> u128 {
    match elem {
        Elem::Bits(_) => mask(elem),
        _ => literal(elem, 1),
    }
}

/// A literal reduced to the type; of bits the low ones.
pub fn literal(elem: Elem, value: i128) -> u128 {
    match elem {
        Elem::Field(p) => p.residue(value),
        _ => value as u128 & mask(elem),
    }
}

/// A number reduced to the type; of bits the low ones.
pub fn reduce(elem: Elem, value: u128) -> u128 {
    match elem {
        Elem::Field(p) => p.reduce(value),
        _ => value & mask(elem),
    }
}

/// An integer as a coefficient: itself in a ring; its parity as a mask of bits.
pub fn coefficient(elem: Elem, value: i128) -> u128 {
    match elem {
        Elem::Bits(_) if value & 1 == 0 => 0,
        Elem::Bits(_) => mask(elem),
        _ => literal(elem, value),
    }
}

/// The sum.
pub fn add(elem: Elem, a: u128, b: u128) -> u128 {
    match elem {
        Elem::Bits(_) => a ^ b,
        Elem::Field(p) => p.add(a, b),
        _ => a.wrapping_add(b) & mask(elem),
    }
}

/// The difference.
pub fn sub(elem: Elem, a: u128, b: u128) -> u128 {
    match elem {
        Elem::Bits(_) => a ^ b,
        Elem::Field(p) => p.sub(a, b),
        _ => a.wrapping_sub(b) & mask(elem),
    }
}

/// The negative.
pub fn neg(elem: Elem, a: u128) -> u128 {
    sub(elem, 0, a)
}

/// The product.
pub fn mul(elem: Elem, a: u128, b: u128) -> u128 {
    match elem {
        Elem::Bits(_) => a & b,
        Elem::Field(p) => p.mul(a, b),
        _ => a.wrapping_mul(b) & mask(elem),
    }
}

/// The inverse, where there is one.
pub fn inverse(elem: Elem, value: u128) -> Option<u128> {
    match elem {
        Elem::Bits(_) => (value == mask(elem)).then_some(value),
        Elem::Field(p) => p.inverse(value),
        Elem::Ring(_) if value & 1 == 1 => {
            // Newton: each step doubles the number of correct low bits, and v·v = 1 modulo 8.
            let mut x = value;
            for _ in 0..7 {
                x = x.wrapping_mul(2u128.wrapping_sub(value.wrapping_mul(x)));
            }
            Some(x & mask(elem))
        }
        _ => None,
    }
}

/// A word read as a signed number; in a field the representative nearest 0.
pub fn signed(elem: Elem, word: u128) -> i128 {
    match (elem, width(elem)) {
        (Elem::Field(p), _) => p.signed(word),
        (_, 0) => 0,
        (_, m) if m >= 128 => word as i128,
        (_, m) => ((word << (128 - m)) as i128) >> (128 - m),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smpc_ir::field::Prime;

    #[test]
    fn inverses_and_signs_of_every_type() {
        let field = Elem::Field(Prime::MERSENNE_61);
        let small = Elem::Field(Prime::new(5).unwrap());
        for elem in [Elem::Ring(3), Elem::Ring(128), field, small, Elem::Bits(7)] {
            for value in [1i128, 3, -1, -3] {
                let word = coefficient(elem, value);
                let inverse = inverse(elem, word).unwrap();
                assert_eq!(mul(elem, word, inverse), one(elem), "{elem:?} {value}");
                assert_eq!(add(elem, word, neg(elem, word)), 0);
                if !is_bits(elem) && elem != small {
                    assert_eq!(signed(elem, word), value);
                }
            }
            assert_eq!(inverse(elem, 0), None);
        }
        assert_eq!(inverse(Elem::Ring(8), 6), None);
        assert_eq!(inverse(small, 2), Some(3));
        assert_eq!((order(small), order(Elem::Ring(128))), (5, 0));
    }
}
