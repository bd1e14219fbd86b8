use crate::coin::draw;
use crate::prg::{Seed, Stream};
use crate::{LocalError, Tensor, elementwise, layout, product};
use smpc_ir::field::Prime;
use smpc_ir::local::Prim;
use smpc_ir::party::{CoinDomain, Elem};

const FIELDS: [u128; 11] = [
    2,
    3,
    67,
    251,
    65_521,
    65_537,
    4_294_967_291,
    (1 << 61) - 1,
    (1 << 89) - 1,
    (1 << 107) - 1,
    (1 << 127) - 1,
];

fn fields() -> impl Iterator<Item = (Prime, Elem)> {
    FIELDS.iter().map(|p| {
        let p = Prime::new(*p).unwrap();
        (p, Elem::Field(p))
    })
}

/// Extreme elements, then elements from a stream.
fn elements(p: Prime, n: usize, seed: u8) -> Tensor {
    let mut stream = Stream::new(&Seed::from_bytes([seed; 16]));
    let elem = Elem::Field(p);
    let coins = draw(&CoinDomain::Uniform, elem, &[n], &mut stream).unwrap();
    let extreme = [p.modulus() - 1, p.modulus() / 2, 0, 1, p.modulus() - 1];
    Tensor::from_raw_fn(elem, &[n], |i| {
        extreme.get(i).map_or(coins.raw_at(i), |v| v % p.modulus())
    })
    .unwrap()
}

#[test]
fn element_wise_operations_are_those_of_single_elements() {
    for (p, elem) in fields() {
        let (a, b) = (elements(p, 200, 1), elements(p, 200, 2));
        let scalar = Tensor::constant(elem, &[], -2).unwrap();
        type One = fn(Prime, u128, u128) -> u128;
        let cases: [(Prim, One); 3] = [
            (Prim::Add, Prime::add),
            (Prim::Sub, Prime::sub),
            (Prim::Mul, Prime::mul),
        ];
        for (prim, one) in cases {
            let r = elementwise::apply(prim, &[&a, &b], elem, &[200]).unwrap();
            let s = elementwise::apply(prim, &[&scalar, &b], elem, &[200]).unwrap();
            for i in 0..200 {
                assert_eq!(
                    r.raw_at(i),
                    one(p, a.raw_at(i), b.raw_at(i)),
                    "{prim:?} {p}"
                );
                let two = p.residue(-2);
                assert_eq!(s.raw_at(i), one(p, two, b.raw_at(i)), "{prim:?} {p}");
            }
        }
        let r = elementwise::apply(Prim::Neg, &[&a], elem, &[200]).unwrap();
        assert!((0..200).all(|i| r.raw_at(i) == p.neg(a.raw_at(i))));
        assert_eq!(
            elementwise::apply(Prim::Div, &[&a, &b], elem, &[200]),
            Err(LocalError::DivisionByZero)
        );
        let quotient = elementwise::apply(Prim::Div, &[&a, &scalar], elem, &[200]);
        if p.modulus() > 2 {
            let back = elementwise::apply(Prim::Mul, &[&quotient.unwrap(), &scalar], elem, &[200]);
            assert_eq!(back.unwrap(), a);
        }
    }
}

#[test]
fn every_product_of_a_tiny_field() {
    for p in [2, 3, 5, 67, 251] {
        let elem = Elem::Field(Prime::new(p).unwrap());
        let n = (p * p) as usize;
        let all = |f: fn(u128, u128) -> u128| {
            Tensor::from_raw_fn(elem, &[n], |i| f(i as u128 / p, i as u128 % p) % p).unwrap()
        };
        let (a, b) = (all(|a, _| a), all(|_, b| b));
        let apply = |prim| elementwise::apply(prim, &[&a, &b], elem, &[n]).unwrap();
        assert_eq!(apply(Prim::Mul), all(|a, b| a * b), "{p}");
        assert_eq!(apply(Prim::Add), all(|a, b| a + b), "{p}");
    }
    // The quotient is estimated best and worst beside multiples of the modulus.
    let p = 65_521;
    let elem = Elem::Field(Prime::new(p).unwrap());
    for b in [1, 2, 3, 255, 256, 32_760, 32_761, 65_519, 65_520] {
        let a = Tensor::from_raw_fn(elem, &[p as usize], |i| i as u128).unwrap();
        let factor = Tensor::from_raw_fn(elem, &[], |_| b).unwrap();
        let found = elementwise::apply(Prim::Mul, &[&a, &factor], elem, &[p as usize]).unwrap();
        assert!((0..p).all(|i| found.raw_at(i as usize) == i * b % p), "{b}");
    }
}

/// Words of the stream of one key, as coins with values that are rejected take them: its first ones.
fn first_words(p: Prime, seed: u8, stride: usize, accept: impl Fn(u128) -> bool) -> Vec<u128> {
    let mut words = [0u64; 2];
    Stream::new(&Seed::from_bytes([seed; 16])).fill(0, &mut words);
    let key = u128::from(words[0]) | u128::from(words[1]) << 64;
    let mut drawn = vec![0u64; 8192];
    Stream::new(&Seed::from_bytes(key.to_le_bytes())).fill(0, &mut drawn);
    let kept = drawn.iter().step_by(stride);
    let kept = kept.map(|word| u128::from(word & crate::tensor::mask(p.bits())));
    kept.filter(|word| accept(*word)).collect()
}

#[test]
fn coins_are_what_is_left_of_the_stream() {
    for (p, elem) in fields().filter(|(p, _)| p.bits() <= 64) {
        for n in [0, 1, 511, 700, 1500] {
            let coin = |domain: CoinDomain| {
                let mut stream = Stream::new(&Seed::from_bytes([9; 16]));
                draw(&domain, elem, &[n], &mut stream).unwrap()
            };
            let uniform = first_words(p, 9, 1, |v| v < p.modulus());
            let found = coin(CoinDomain::Uniform);
            assert!((0..n).all(|i| found.raw_at(i) == uniform[i]), "{p} {n}");
            let units = first_words(p, 9, 2, |v| v != 0 && v < p.modulus());
            let found = coin(CoinDomain::Nonzero);
            assert!((0..n).all(|i| found.raw_at(i) == units[i]), "{p} {n}");
        }
    }
    let mut stream = Stream::new(&Seed::from_bytes([9; 16]));
    let p = Prime::new(2).unwrap();
    let all = first_words(p, 9, 2, |v| v < 2);
    let draw = |domain, elem, stream: &mut Stream| draw(&domain, elem, &[300], stream).unwrap();
    let below = draw(CoinDomain::Below(2), Elem::Ring(32), &mut stream);
    assert!((0..300).all(|i| below.raw_at(i) == all[i]));
    for elem in [Elem::Ring(100), Elem::Bits(100), Elem::Bits(1)] {
        let mut stream = Stream::new(&Seed::from_bytes([9; 16]));
        let below = draw(CoinDomain::Below(2), elem, &mut stream);
        assert!((0..300).all(|i| below.raw_at(i) == all[i]), "{elem:?}");
    }
}

#[test]
fn conversions_are_those_of_single_elements() {
    let integers = [1u8, 2, 6, 7, 8, 16, 17, 31, 32, 61, 62, 64, 65, 128];
    for (p, elem) in fields() {
        for bits in integers {
            for other in [Elem::Ring(bits), Elem::Bits(bits)] {
                let mut stream = Stream::new(&Seed::from_bytes([3; 16]));
                let mut drawn = draw(&CoinDomain::Uniform, other, &[200], &mut stream).unwrap();
                drawn = Tensor::from_raw_fn(other, &[200], |i| match i {
                    0 => 0,
                    1 => u128::MAX,
                    2 => 1 << (bits - 1),
                    3 => (1 << (bits - 1)) - 1,
                    4 => p.modulus(),
                    5 => p.modulus() - 1,
                    _ => drawn.raw_at(i),
                })
                .unwrap();
                let cast = |a: &Tensor, to| elementwise::apply(Prim::Cast, &[a], to, a.shape());
                let inside = cast(&drawn, elem).unwrap();
                for i in 0..200 {
                    let value = match other {
                        Elem::Ring(_) => p.residue(drawn.integer(i)),
                        _ => p.reduce(drawn.raw_at(i)),
                    };
                    assert_eq!(inside.raw_at(i), value, "{other:?} {p} {i}");
                }
                let residues = elements(p, 200, 8);
                let outside = cast(&residues, other).unwrap();
                for i in 0..200 {
                    let word = match other {
                        Elem::Ring(_) => p.signed(residues.raw_at(i)).cast_unsigned(),
                        _ => residues.raw_at(i),
                    };
                    let low = word & crate::tensor::wide_mask(bits);
                    assert_eq!(outside.raw_at(i), low, "{p} {other:?} {i}");
                }
            }
        }
        let (a, b) = (elements(p, 200, 1), elements(p, 200, 2));
        let mut stream = Stream::new(&Seed::from_bytes([4; 16]));
        let choice = draw(&CoinDomain::Uniform, Elem::Bits(1), &[200], &mut stream).unwrap();
        let chosen = elementwise::apply(Prim::Select, &[&choice, &a, &b], elem, &[200]).unwrap();
        for i in 0..200 {
            let one = if choice.raw_at(i) == 1 { &a } else { &b };
            assert_eq!(chosen.raw_at(i), one.raw_at(i), "{p}");
        }
    }
}

#[test]
fn products_and_sums_of_many_terms() {
    for (p, elem) in fields() {
        for (n, k, m) in [(2, 200, 3), (1, 65, 70), (3, 1, 1)] {
            // Largest elements first: the longest sums before a reduction.
            let a = Tensor::from_raw_fn(elem, &[2, n, k], |_| p.modulus() - 1).unwrap();
            let b = elements(p, 2 * k * m, 3).reshaped(&[2, k, m]).unwrap();
            for (a, b) in [
                (&a, &b),
                (&elements(p, 2 * n * k, 4).reshaped(&[2, n, k]).unwrap(), &b),
            ] {
                let r = product::matrix(a, b).unwrap();
                for (batch, i, j) in [(0, 0, 0), (1, n - 1, m - 1)] {
                    let expected = (0..k).fold(0, |sum, l| {
                        let x = a.raw_at((batch * n + i) * k + l);
                        p.add(sum, p.mul(x, b.raw_at((batch * k + l) * m + j)))
                    });
                    assert_eq!(r.raw_at((batch * n + i) * m + j), expected, "{p}");
                }
            }
        }
        let a = elements(p, 1000, 5).reshaped(&[500, 2]).unwrap();
        let sums = layout::sum(&a, 0).unwrap();
        let expected = (0..500).fold(0, |sum, i| p.add(sum, a.raw_at(2 * i)));
        assert_eq!(sums.raw_at(0), expected);
    }
}

#[test]
fn conversions_keep_the_representative_nearest_zero() {
    let cast = |a: &Tensor, to| elementwise::apply(Prim::Cast, &[a], to, a.shape()).unwrap();
    for (p, elem) in fields().filter(|(p, _)| p.modulus() > 65_536) {
        let width = p.bits();
        let ring = Elem::Ring(width);
        let values = [0, 1, -1, 30_000, -30_000];
        let clear = Tensor::from_i128s(ring, &[5], &values).unwrap();
        let inside = cast(&clear, elem);
        assert_eq!(inside.to_i128s(), values, "{p}");
        assert_eq!(cast(&inside, ring), clear);
        assert_eq!(cast(&inside, Elem::Ring(128)).to_i128s(), values);
        let bits = Tensor::from_i128s(Elem::Bits(16), &[2], &[1, 65_535]).unwrap();
        assert_eq!(cast(&bits, elem).raw_at(1), 65_535);
        assert_eq!(cast(&cast(&bits, elem), Elem::Bits(16)), bits);
        let below = |a: &Tensor, b: &Tensor| {
            elementwise::apply(Prim::Lt, &[a, b], Elem::Bits(1), &[5]).unwrap()
        };
        let zero = Tensor::constant(elem, &[], 0).unwrap();
        assert_eq!(below(&inside, &zero).to_i128s(), [0, 0, 1, 0, 1]);
    }
}

#[test]
fn messages_carry_residues_only() {
    for (p, elem) in fields() {
        let a = elements(p, 77, 6);
        let mut bytes = Vec::new();
        a.pack(&mut bytes);
        assert_eq!(bytes.len(), (77 * usize::from(p.bits())).div_ceil(8));
        assert_eq!(Tensor::unpack(elem, &[77], &bytes).unwrap(), a);
        let all = vec![0xff; bytes.len()];
        let expected = match p.modulus() {
            // Every string of one bit is an element of the field of two.
            2 => None,
            _ => Some(LocalError::NoResidue),
        };
        assert_eq!(Tensor::unpack(elem, &[77], &all).err(), expected, "{p}");
    }
}

#[test]
fn coins_are_uniform_residues() {
    for (p, elem) in fields() {
        let mut stream = Stream::new(&Seed::from_bytes([9; 16]));
        let coin = draw(&CoinDomain::Uniform, elem, &[3000], &mut stream).unwrap();
        assert!((0..3000).all(|i| coin.raw_at(i) < p.modulus()));
        let upper = (0..3000).filter(|i| coin.raw_at(*i) > p.modulus() / 2);
        let share = match p.modulus() {
            2 => 0,
            3 => 1000,
            _ => 1500,
        };
        assert!(upper.count().abs_diff(share) < 150, "{p}");
        let units = draw(&CoinDomain::Nonzero, elem, &[300], &mut stream).unwrap();
        assert!((0..300).all(|i| (1..p.modulus()).contains(&units.raw_at(i))));
        // Each took the key of a stream of its own, whatever was rejected.
        let mut other = Stream::new(&Seed::from_bytes([9; 16]));
        other.reserve(4).unwrap();
        assert_eq!(stream.reserve(0), other.reserve(0));
    }
}
