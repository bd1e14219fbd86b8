//! Normal forms, closed sums and values.

use super::*;
use proptest::prelude::*;

const N: SizeVar = SizeVar(0);
const M: SizeVar = SizeVar(1);
const W: SizeVar = SizeVar(9);

fn name(v: SizeVar) -> String {
    match v {
        N => "n".into(),
        M => "m".into(),
        SizeVar(i) => format!("w{i}"),
    }
}

fn at(n: i128, m: i128) -> impl Fn(SizeVar) -> Option<i128> {
    move |v| match v {
        N => Some(n),
        M => Some(m),
        _ => None,
    }
}

#[test]
fn equal_iff_normal_forms_are_equal() {
    let (n, m) = (Size::from(N), Size::from(M));
    let square = &(&n + &m) * &(&n + &m);
    let expanded = &(&(&n * &n) + &(&Size::from(2) * &(&n * &m))) + &(&m * &m);
    assert_eq!(square, expanded);
    assert_ne!(square, &expanded + &Size::one());
    assert_eq!(&n - &n, Size::zero());
    assert_eq!(
        (&(&n * &Size::from(8)) * &m).div_ceil(&Size::from(8)),
        &n * &m
    );
}

#[test]
fn prints_highest_degree_first() {
    let (n, m) = (Size::from(N), Size::from(M));
    let size = &(&(&Size::from(3) * &(&n * &m)) - &n) + &Size::from(7);
    assert_eq!(size.display(&name), "3·n·m - n + 7");
    assert_eq!(Size::zero().display(&name), "0");
    assert_eq!(
        (&n + &Size::one()).log2_ceil().display(&name),
        "⌈log2(n + 1)⌉"
    );
}

#[test]
fn what_has_no_value_is_an_error() {
    let n = Size::from(N);
    assert_eq!(n.evaluate(&|_| None), Err(SizeError::Unbound(N)));
    assert!(matches!(
        Size::one().div(&n).evaluate(&at(0, 0)),
        Err(SizeError::Domain(_))
    ));
    let huge = &Size::from(i128::MAX) * &Size::from(2);
    assert_eq!(huge.evaluate(&at(0, 0)), Err(SizeError::Overflow));
}

#[test]
fn a_bound_name_shadows_a_free_one() {
    let body = Size::from(W).modulo(&Size::from(N));
    let sum = Size::sum(W, &Size::from(M), &body);
    assert!(!sum.mentions(W));
    assert_eq!(sum.substitute(&|v| (v == W).then(|| Size::from(100))), sum);
    assert_eq!(sum.evaluate(&at(3, 5)), Ok(1 + 2 + 1));
}

proptest! {
    #[test]
    fn tree_widths_add_up(n in 1u64..5000) {
        prop_assert_eq!(halvings(n).sum::<u64>(), n - 1);
        prop_assert_eq!(halvings(n).count() as i128, log2_ceil(i128::from(n)));
        prop_assert_eq!(prefix_widths(n).count() as i128, log2_ceil(i128::from(n)));
        let by_bits: u64 = (0..n).map(|i| u64::from(i.count_ones())).sum();
        prop_assert_eq!(prefix_widths(n).sum::<u64>(), by_bits);
    }

    #[test]
    fn closed_sums_equal_the_terms(n in 1i128..60, a in -5i128..5, b in -5i128..5, m in 1i128..9) {
        let env = at(n, m);
        let value = |s: &Size| s.evaluate(&env).unwrap();
        let linear = &(&Size::from(a) * &(&Size::from(W) * &Size::from(M))) + &Size::from(b);
        let count = Size::from(N);
        let term = |w: u64| a * i128::from(w) * m + b;
        prop_assert_eq!(value(&Size::sum(W, &count, &linear)), (0..n as u64).map(term).sum::<i128>());
        prop_assert_eq!(value(&Size::sum_halvings(W, &count, &linear)), halvings(n as u64).map(term).sum::<i128>());
        prop_assert_eq!(value(&Size::sum_prefix(W, &count, &linear)), prefix_widths(n as u64).map(term).sum::<i128>());
        let rounded = Size::from(W).div_ceil(&Size::from(8));
        let bytes = |w: u64| i128::from(w.div_ceil(8));
        prop_assert_eq!(value(&Size::sum_halvings(W, &count, &rounded)), halvings(n as u64).map(bytes).sum::<i128>());
    }

    #[test]
    fn arithmetic_commutes_with_evaluation(n in 0i128..50, m in 1i128..50, c in -9i128..9) {
        let env = at(n, m);
        let (x, y) = (&Size::from(N) + &Size::from(c), &Size::from(M) * &Size::from(M));
        let (a, b) = (n + c, m * m);
        let value = |s: Size| s.evaluate(&env).unwrap();
        prop_assert_eq!(value(&x * &y), a * b);
        prop_assert_eq!(value(&x - &y), a - b);
        prop_assert_eq!(value(x.div(&y)), a.div_euclid(b));
        prop_assert_eq!(value(x.modulo(&y)), a.rem_euclid(b));
        prop_assert_eq!(value(x.smaller(&y)), a.min(b));
        prop_assert_eq!(value(x.larger(&y)), a.max(b));
        let swapped = x.substitute(&|v| (v == N).then(|| Size::from(M)));
        prop_assert_eq!(value(swapped), m + c);
    }
}
