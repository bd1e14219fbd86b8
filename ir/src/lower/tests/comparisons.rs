//! Which comparisons are the sign of a difference.

use super::*;

/// Whether a comparison asks for one sign or for `less_than`.
fn one_sign(operands: impl Fn(&mut Build) -> (Value, Value)) -> bool {
    let backend = Alone::new(true);
    let mut b = Build::new();
    let (x, y) = operands(&mut b);
    let shape = b.script.values[x.0 as usize].shape.clone();
    let less = b.prim(Prim::Lt, &[x, y], Type::Bits(1), &shape);
    b.show(less);
    b.lower(&backend);
    let full = asked(&backend, |w| matches!(w, Want::LessThan(..)));
    let sign = asked(&backend, |w| matches!(w, Want::Msb(..)));
    assert!((full > 0) != (sign > 0), "{full}, {sign}");
    sign > 0
}

#[test]
fn a_difference_that_fits_is_compared_by_its_sign() {
    let shape = [Size::from(N)];
    let int = Type::Int;
    let raw = |b: &mut Build| {
        let x = b.secret_input();
        b.one(Op::Raw, &[x], Type::Int, &[Size::from(N)], Label::Secret)
    };
    let bits = |b: &mut Build| {
        let x = b.secret_input();
        let zero = b.public(0, Type::Fix(16));
        let c = b.prim(Prim::Lt, &[x, zero], Type::Bits(1), &[Size::from(N)]);
        b.prim(Prim::Cast, &[c], Type::Int, &[Size::from(N)])
    };
    assert!(one_sign(|b| (b.secret_input(), b.secret_input())));
    assert!(one_sign(|b| (raw(b), raw(b))));
    assert!(one_sign(|b| (raw(b), b.public(-(1 << 61), int))));
    assert!(!one_sign(|b| (raw(b), b.public(1 << 62, int))));
    assert!(!one_sign(|b| {
        let x = raw(b);
        (b.prim(Prim::Add, &[x, x], int, &shape), x)
    }));
    // A product of two may have wrapped around, whatever its factors are.
    assert!(!one_sign(|b| {
        let x = raw(b);
        (b.prim(Prim::Mul, &[x, x], int, &shape), x)
    }));
    // Below 0 is what a sign says of any number, above 0 it does not of the least.
    assert!(one_sign(|b| {
        let x = raw(b);
        (
            b.prim(Prim::Mul, &[x, x], int, &shape),
            b.public(0, Type::Int),
        )
    }));
    assert!(one_sign(|b| {
        let x = bits(b);
        let count = Op::Local(Local::Sum { axis: 0 });
        let count = b.one(count, &[x], Type::Int, &[], Label::Secret);
        (
            count,
            b.one(
                Op::Local(Local::Size(N.into())),
                &[],
                int,
                &[],
                Label::Public,
            ),
        )
    }));
}

#[test]
fn what_a_loop_adds_up_can_be_any_number() {
    let shape = [Size::from(N)];
    for (prim, fits) in [(Prim::Select, true), (Prim::Add, false)] {
        let found = one_sign(|b| {
            let x = b.secret_input();
            let x = b.one(Op::Raw, &[x], Type::Int, &shape, Label::Secret);
            let carried = b.value(Type::Int, &shape, Label::Secret);
            b.open.push(vec![]);
            let next = if prim == Prim::Select {
                let zero = b.public(0, Type::Int);
                let low = b.prim(Prim::Lt, &[carried, zero], Type::Bits(1), &shape);
                b.prim(prim, &[low, carried, x], Type::Int, &shape)
            } else {
                b.prim(prim, &[carried, x], Type::Int, &shape)
            };
            let body = Block {
                params: vec![carried],
                steps: b.open.pop().unwrap(),
                results: vec![next],
            };
            let turns = Op::For {
                var: SizeVar(1),
                count: Size::from(N),
                body,
            };
            (b.one(turns, &[x], Type::Int, &shape, Label::Secret), x)
        });
        assert_eq!(found, fits, "{prim:?}");
    }
}
