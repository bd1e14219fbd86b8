//! Normal forms, pads and substitution.

use super::*;

const R: Elem = Elem::Ring(64);
const B: Elem = Elem::Bits(8);

#[test]
fn polynomials_have_one_normal_form() {
    let mut t = Terms::new(100);
    let (x, y) = (t.symbol(Symbol(0), R), t.symbol(Symbol(1), R));
    let square = t.mul(&x.add(&y), &x.add(&y));
    let (xx, xy, yy) = (t.mul(&x, &x), t.mul(&x, &y), t.mul(&y, &y));
    assert_eq!(square, xx.add(&xy.scale(2)).add(&yy));
    assert!(square.sub(&square).is_zero());
}

#[test]
fn bits_are_idempotent_and_their_own_negatives() {
    let mut t = Terms::new(100);
    let a = t.symbol(Symbol(0), B);
    assert_eq!(t.mul(&a, &a), a);
    assert!(a.add(&a).is_zero());
    let low = t.prim(
        Prim::BitSlice { start: 0, step: 2 },
        std::slice::from_ref(&a),
        Elem::Bits(4),
    );
    let low = low.unwrap();
    let back = t
        .prim(Prim::BitSlice { start: 1, step: 1 }, &[low], Elem::Bits(1))
        .unwrap();
    let direct = t
        .prim(Prim::BitSlice { start: 2, step: 1 }, &[a], Elem::Bits(1))
        .unwrap();
    assert_eq!(back, direct);
}

#[test]
fn only_invertible_coefficients_pad() {
    let mut t = Terms::new(100);
    let (x, r) = (t.symbol(Symbol(0), R), t.symbol(Symbol(1), R));
    assert_eq!(t.pads(&x.add(&r.scale(2))), vec![Symbol(0)]);
    let message = x.add(&r.scale(3));
    let rho = t.symbol(Symbol(2), R);
    let value = t.solve(&message, Symbol(1), &rho).unwrap();
    assert_eq!(t.substitute(&message, Symbol(1), &value), rho);
    let xr = t.mul(&x, &r);
    assert_eq!(t.pads(&r.add(&xr)), vec![]);
}

#[test]
fn substitution_reaches_into_functions() {
    let mut t = Terms::new(4);
    let (x, r) = (t.symbol(Symbol(0), R), t.symbol(Symbol(1), R));
    let sign = t
        .prim(Prim::Lt, &[x.add(&r), Poly::constant(R, 0)], Elem::Bits(1))
        .unwrap();
    let gone = t.substitute(&sign, Symbol(1), &x.neg());
    assert!(!t.support(&gone).contains(Symbol(0)));
    assert!(t.support(&sign).contains(Symbol(0)));
}

#[test]
fn a_sum_over_rows_is_one_in_every_order() {
    let mut t = Terms::new(100);
    let (a, b) = (t.symbol(Symbol(0), R), t.symbol(Symbol(1), R));
    let order = t.symbol(Symbol(2), R);
    let back = t.function(Function::InversePermutation, vec![order.clone()], R);
    let turned = t.gather(&b, &order);
    assert_eq!(t.gather(&turned, &back), b);
    let first = t.gather(&a, &back);
    let (left, right) = (t.mul(&first, &b), t.mul(&a, &turned));
    assert_eq!(t.sum(&left, 0), t.sum(&right, 0));
    let other = t.mul(&a, &b);
    assert_ne!(t.sum(&left, 0), t.sum(&other, 0));
}

#[test]
fn rows_in_one_order_are_summed_without_it() {
    let mut t = Terms::new(100);
    let (x, y) = (t.symbol(Symbol(0), R), t.symbol(Symbol(1), R));
    let (pi, rho) = (t.symbol(Symbol(2), R), t.symbol(Symbol(3), R));
    let product = |t: &mut Terms, a: &Poly, b: &Poly| {
        let product = t.mul(a, b);
        t.sum(&product, 0)
    };
    let plain = product(&mut t, &x, &y);
    let (a, b, c) = (t.gather(&x, &pi), t.gather(&y, &pi), t.gather(&y, &rho));
    assert_eq!(product(&mut t, &a, &b), plain);
    let (aa, bb) = (t.gather(&a, &rho), t.gather(&b, &rho));
    assert_eq!(product(&mut t, &aa, &bb), plain);
    // One of them in another order, or in none.
    assert_ne!(product(&mut t, &a, &c), plain);
    assert_ne!(product(&mut t, &a, &y), plain);
    assert_ne!(product(&mut t, &aa, &b), plain);
}

#[test]
fn a_product_of_sums_is_taken_apart() {
    let mut t = Terms::new(100);
    let all: Vec<Poly> = (0..4).map(|i| t.symbol(Symbol(i), R)).collect();
    let (x, y) = (all[0].add(&all[1].scale(3)), all[2].sub(&all[3]));
    let product = t.mul(&x, &y);
    let (left, right) = t.factors(&product).unwrap();
    assert_eq!(t.mul(&left, &right), product);
    assert!(left.monomials() == 2 && right.monomials() == 2);
    // A sum of two products is none.
    let (a, b) = (t.mul(&all[0], &all[2]), t.mul(&all[1], &all[3]));
    assert_eq!(t.factors(&a.add(&b)), None);
    assert_eq!(t.factors(&x), None);
}

/// By all values: the vector takes each value once, whatever the others are.
#[test]
fn a_vector_of_bits_with_ones_on_its_diagonal_is_uniform() {
    let bits = Elem::Bits(3);
    let mut t = Terms::new(64);
    let (p, q, r) = (
        t.symbol(Symbol(0), bits),
        t.symbol(Symbol(1), bits),
        t.symbol(Symbol(2), bits),
    );
    let up = [None, Some(0), Some(1)];
    let down = [Some(1), Some(2), None];
    let (high, low) = (t.pick(&p, &up, bits), t.pick(&p, &down, bits));
    let turned = t.pick(&p, &[Some(2), Some(0), Some(1)], bits);
    let masked = p.scale(5);
    let number = t.prim(Prim::Cast, std::slice::from_ref(&p), Elem::Ring(3));
    let carried = t.prim(Prim::Cast, &[number.unwrap().scale(2)], bits);
    let product = t.mul(&high, &q);
    let square = t.mul(&p, &q);
    let both = t.mul(&high, &low);
    let two = t.pick(&high, &up, bits);
    let nested = t.mul(&two, &high);
    let cases = [
        (p.add(&q), true),
        (p.add(&high).add(&q), true),
        (p.add(&low).add(&r), true),
        (p.add(&product).add(&nested), true),
        // Higher and lower bits at once, a bit around the corner, a bit that is missing, a factor.
        (p.add(&high).add(&low), false),
        (p.add(&both), false),
        (p.add(&turned), false),
        (masked.add(&q), false),
        (masked.add(&high), false),
        (p.add(&square), false),
        (high.add(&q), false),
        // Nothing is known of what a function does with bits.
        (p.add(&carried.unwrap()), false),
    ];
    for (term, claimed) in cases {
        assert_eq!(t.is_triangular(&term, Symbol(0)), claimed);
        for others in 0..64u128 {
            let mut seen = [false; 8];
            for value in 0..8u128 {
                let words = [value, others & 7, others >> 3];
                let word = t.evaluate(&term, &words, &mut Vec::new()).unwrap();
                seen[word as usize] = true;
            }
            assert!(!claimed || seen.iter().all(|seen| *seen));
        }
    }
    // A symbol of another width is none of its bits.
    let short = t.symbol(Symbol(3), Elem::Bits(2));
    let wide = t.pick(&short, &[Some(0), Some(1), None], bits);
    assert!(!t.is_triangular(&wide.add(&q), Symbol(3)));
}

#[test]
fn what_shares_a_factor_with_a_coin_is_taken_away() {
    let mut t = Terms::new(64);
    let f = Elem::Field(smpc_ir::field::Prime::new(101).unwrap());
    let [w, r, k, x, e, target] = [0, 1, 2, 3, 4, 5].map(|s| t.symbol(Symbol(s), f));
    // w·r - k·w·x + e: for r put ρ + k·x.
    let (wr, kx) = (t.mul(&w, &r), t.mul(&k, &x));
    let term = wr.sub(&t.mul(&w, &kx)).add(&e);
    let by = t.solve_factored(&term, Symbol(1), &target).unwrap();
    assert_eq!(by, target.add(&kx));
    assert_eq!(
        t.substitute(&term, Symbol(1), &by),
        t.mul(&w, &target).add(&e)
    );
    assert_eq!(t.factored_pads(&term), [Symbol(1)]);
    // A coin that stands elsewhere, too, and one with which nothing shares its factor.
    assert!(
        t.solve_factored(&term.add(&r), Symbol(1), &target)
            .is_none()
    );
    assert!(t.solve_factored(&wr.add(&kx), Symbol(1), &target).is_none());
    // One element for all rows is no mask of many rows; under a sum each row has its own.
    let mut alone = Terms::new(64);
    alone.scalar(Symbol(1));
    let [w, r, x, target] = [0, 1, 3, 5].map(|s| alone.symbol(Symbol(s), f));
    let term = alone.mul(&w, &r).add(&alone.mul(&w, &x));
    assert!(alone.solve_factored(&term, Symbol(1), &target).is_none());
    let mut rows = Terms::new(64);
    rows.scalar(Symbol(2));
    let [w, r, k, x, target] = [0, 1, 2, 3, 5].map(|s| rows.symbol(Symbol(s), f));
    let (wr, wx) = (rows.mul(&w, &r), rows.mul(&w, &x));
    let (left, right) = (rows.sum(&wr, 0), rows.sum(&wx, 0));
    let term = left.add(&rows.mul(&k, &right));
    let by = rows.solve_factored(&term, Symbol(1), &target).unwrap();
    assert_eq!(by, target.sub(&rows.mul(&k, &x)));
    let masked = rows.mul(&w, &target);
    assert_eq!(rows.substitute(&term, Symbol(1), &by), rows.sum(&masked, 0));
    let other = left.add(&rows.sum(&wx, 1));
    assert!(rows.solve_factored(&other, Symbol(1), &target).is_none());
}

#[test]
fn a_multiple_of_a_power_of_two_is_divided_as_a_signed_number() {
    let mut t = Terms::new(100);
    let x = t.symbol(Symbol(0), R);
    for term in [x.clone(), x.neg(), x.scale(3), x.scale(5).neg()] {
        assert_eq!(term.scale(1 << 20).divided(20), Some(term));
    }
    assert_eq!(x.scale(2).divided(2), None);
}
