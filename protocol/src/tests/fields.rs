//! Schemes over prime fields with hidden coins: Shamir's.

use super::*;
use smpc_ir::field::Prime;

const LARGE: i128 = i128::MAX;

fn shamir() -> Vec<(Bound, Elem)> {
    let mut all = Vec::new();
    for n in [3, 4, 5, 7] {
        for p in [(1 << 61) - 1, LARGE, 65_537, 11] {
            let bound = backend("shamir", &[("n", n), ("p", p)]);
            let elem = Elem::Field(Prime::new(p as u128).unwrap());
            assert_eq!(bound.int_elem(), elem);
            all.push((bound, elem));
        }
    }
    all
}

/// The scheme's file without a protocol.
fn without(protocol: &str, args: &[(&str, i128)]) -> Bound {
    let text = smpc_stdlib::modules()
        .iter()
        .find(|m| m.path == "schemes/shamir")
        .unwrap()
        .text;
    let start = text.find(protocol).unwrap();
    let end = start + text[start..].find("\n}\n").unwrap() + 3;
    let text = format!("{}{}", &text[..start], &text[end..]);
    let mut sources = Sources::new();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", &text);
    assert_eq!(library.add(file, &text), []);
    let args: Vec<_> = args.iter().map(|(n, v)| (n.to_string(), *v)).collect();
    library.bind("shamir", &args, None).unwrap()
}

#[test]
fn every_degree_plus_one_components_are_enough_and_fewer_are_not() {
    for (bound, elem) in shamir() {
        let Elem::Field(p) = elem else { panic!() };
        let sharing = bound.sharing(elem).unwrap();
        let n = bound.computing().parties;
        let d = (n - 1) / 2;
        assert_eq!(sharing.masks.len(), d);
        assert_eq!(sharing.constant, vec![1; n]);
        for (at, weight) in sharing.reconstruction.iter().enumerate() {
            assert_eq!(*weight != 0, at <= d);
        }
        for (j, mask) in sharing.masks.iter().enumerate() {
            for (i, c) in mask.iter().enumerate() {
                let power = p.power(i as u128 + 1, j as u128 + 1);
                assert_eq!(p.residue(*c), power);
            }
        }
    }
}

#[test]
fn products_shares_and_reveals() {
    for (bound, elem) in shamir() {
        let mut coins = Coins(1);
        let n = bound.computing().parties;
        for _ in 0..5 {
            let (x, y) = (mask(coins.wide(), elem), mask(coins.wide(), elem));
            let z = apply(
                &bound,
                Want::Mul(elem),
                &[(elem, x), (elem, y)],
                elem,
                &mut coins,
            );
            assert_eq!(z, prim(Prim::Mul, &[x, y], &[elem, elem], elem));
            for owner in [Owner::Outside, Owner::Party(0), Owner::Party(n as u8 - 1)] {
                let share = flat(&bound, Want::Share(elem, owner));
                let parts = run(&share, &[vec![x]], &mut coins);
                assert_eq!(open(&bound, elem, &parts), [x]);
                let reveal = flat(&bound, Want::Reveal(elem, owner));
                assert_eq!(run(&reveal, &parts, &mut coins), [[x]]);
                let all = flat(&bound, Want::Reveal(elem, Owner::Computing));
                assert_eq!(run(&all, &parts, &mut coins), [[x]]);
            }
        }
        let bytes = usize::from(elem.wire_bits()).div_ceil(8);
        let mul = flat(&bound, Want::Mul(elem));
        assert_eq!(cost(&mul), (1, n * (n - 1) * bytes), "{n} parties");
    }
}

#[test]
fn a_king_multiplies_with_two_messages_for_each_party() {
    for (n, p) in [(3, LARGE), (4, 65_537), (5, (1 << 61) - 1), (7, 11)] {
        let bound = without("protocol mul(", &[("n", n), ("p", p)]);
        let elem = bound.int_elem();
        let mul = flat(&bound, Want::Mul(elem));
        assert_eq!(mul.name, "mul_king");
        let bytes = usize::from(elem.wire_bits()).div_ceil(8);
        assert_eq!(cost(&mul), (2, 2 * (n as usize - 1) * bytes));
        let mut coins = Coins(2);
        for _ in 0..20 {
            let (x, y) = (mask(coins.wide(), elem), mask(coins.wide(), elem));
            let args = [(elem, x), (elem, y)];
            let z = apply(&bound, Want::Mul(elem), &args, elem, &mut coins);
            assert_eq!(z, prim(Prim::Mul, &[x, y], &[elem, elem], elem));
        }
    }
}

#[test]
fn shuffles_by_committees() {
    for (n, passes) in [(3, 3), (4, 6), (5, 10), (7, 35)] {
        let bound = backend("shamir", &[("n", n)]);
        let elem = bound.int_elem();
        let shuffle = flat(&bound, Want::Shuffle(elem));
        let permutations = shuffle
            .steps
            .iter()
            .filter(|s| s.op == FlatOp::Coin(CoinDomain::Permutation));
        assert_eq!(permutations.count(), passes);
        assert_eq!(cost(&shuffle).0, passes);
        let mut coins = Coins(6);
        let rows: Rows = (0..9).map(|i| i * i + 3).collect();
        let inputs = deal(&bound, elem, &rows, &mut coins);
        let mut out = open(&bound, elem, &run(&shuffle, &inputs, &mut coins));
        assert_ne!(out, rows);
        out.sort_unstable();
        assert_eq!(out, rows);
    }
}

#[test]
fn what_a_field_does_not_allow_is_refused() {
    let mut sources = Sources::new();
    let library = Library::standard(&mut sources);
    let bind = |n: i128, p: i128| {
        let args = [("n".to_owned(), n), ("p".to_owned(), p)];
        let errors = library.bind("shamir", &args, None).map(drop).unwrap_err();
        (errors[0].code, errors[0].message.clone())
    };
    assert_eq!(bind(3, 1 << 61).0, "N43");
    assert_eq!(bind(3, 15).0, "N43");
    // P[2] is at the point 3, which is 0 modulo 3: it holds the value itself.
    let (code, message) = bind(3, 3);
    assert_eq!(
        (code, message.contains("P[2] determine")),
        ("P06", true),
        "{message}"
    );
    let bound = backend("shamir", &[]);
    let missing = |want| bound.protocol(want).unwrap_err().0;
    let elem = bound.int_elem();
    assert!(missing(Want::LessThan(elem)).contains("no comparison of F[2^61 - 1]"));
    assert!(missing(Want::BitToRing(elem)).contains("conversion of a bit"));
    assert!(
        bound
            .sharing(BIT)
            .unwrap_err()
            .0
            .contains("carries no Bits[1]")
    );
}
