use super::*;
use crate::element::order;
use crate::machine::{Choice, Random};
use smpc_ir::field::Prime;

/// So many samples in each case.
const DRAWN: usize = 2_000;

fn drawn(elems: &[Elem], mut one: impl FnMut(usize, &mut Random) -> Vec<u128>) -> Samples {
    let mut random = Random(7);
    let cases = [0, 1].map(|which| (0..DRAWN).map(|_| one(which, &mut random)).collect());
    Samples {
        elems: elems.to_vec(),
        cases,
    }
}

#[test]
fn sums_of_many_elements_that_are_always_the_same_are_found_over_every_ring() {
    for elem in [
        Elem::Ring(64),
        Elem::Ring(13),
        Elem::Field(Prime::MERSENNE_61),
        Elem::Field(Prime::new(101).unwrap()),
        Elem::Bits(24),
    ] {
        // Fifteen uniform elements, and what they are less than 0, or than a number in the second case.
        for (number, by, differ) in [(0, 1, false), (4, 1, true), (4, 3, true), (4, 4, true)] {
            let samples = drawn(&[elem; 16], |which, random| {
                let mut row: Vec<u128> = (0..15).map(|_| random.below(order(elem))).collect();
                let secret = if which == 0 { 0 } else { number };
                let sum = row.iter().fold(secret, |sum, word| sub(elem, sum, *word));
                let mut last = 0;
                for _ in 0..by {
                    last = add(elem, last, sum);
                }
                row.push(last);
                row
            });
            // Four times a vector of bits is nothing.
            let vanishes = matches!(elem, Elem::Bits(_)) && by == 4;
            assert_eq!(
                samples.differ(),
                differ && !vanishes,
                "{elem:?} {number} {by}"
            );
        }
    }
}

#[test]
fn a_linear_map_of_bits_that_is_singular_is_found() {
    for (bits, singular) in [(32, true), (62, true), (33, false), (64, false)] {
        let elem = Elem::Bits(bits);
        let samples = drawn(&[elem], |which, random| {
            let r = random.below(order(elem));
            let mask = r ^ r >> 1 ^ (r << 1 & (order(elem) - 1));
            vec![mask ^ which as u128]
        });
        assert_eq!(samples.differ(), singular, "{bits}");
    }
}

#[test]
fn what_is_uniform_beside_rare_events_is_not_told_apart() {
    // Ones that come once in two thousand times lie outside of what was spanned, in both cases.
    let elems = [Elem::Bits(1), Elem::Bits(1), Elem::Ring(64), Elem::Bits(8)];
    let samples = drawn(&elems, |_, random| {
        let rare = u128::from(random.below(2_000) == 0);
        vec![rare, 1 ^ rare, random.below(1 << 64), random.below(256)]
    });
    assert!(!samples.differ());
    let skewed = drawn(&elems, |which, random| {
        let rare = u128::from(random.below(if which == 0 { 2_000 } else { 8 }) == 0);
        vec![rare, 1 ^ rare, random.below(1 << 64), random.below(256)]
    });
    assert!(skewed.differ());
}
