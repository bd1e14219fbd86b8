use super::*;
use proptest::prelude::*;

fn all_prims() -> Vec<Prim> {
    use Prim::*;
    vec![
        Add, Sub, Mul, Neg, Not, Shl, Shr, ShrLogical, Eq, Lt, Div, Rem, Select, Cast,
    ]
}

fn elems() -> impl Strategy<Value = Elem> {
    prop::sample::select(vec![
        Elem::Ring(1),
        Elem::Ring(7),
        Elem::Ring(32),
        Elem::Ring(64),
        Elem::Ring(100),
        Elem::Ring(128),
        Elem::Bits(1),
        Elem::Bits(7),
        Elem::Bits(64),
        Elem::Bits(100),
        Elem::Bits(128),
    ])
}

fn tensor(elem: Elem, shape: &[usize], values: &[i128]) -> Tensor {
    let n = shape.iter().product();
    let values: Vec<i128> = (0..n)
        .map(|i| values[i % values.len()].wrapping_mul(i as i128 | 1))
        .collect();
    Tensor::from_i128s(elem, shape, &values).unwrap()
}

proptest! {
    #[test]
    fn whole_tensors_are_elements_one_by_one(
        elem in elems(), to in elems(), prim in prop::sample::select(all_prims()),
        a in prop::collection::vec(any::<i128>(), 1..5), b in prop::collection::vec(any::<i128>(), 1..5),
        n in 1usize..150, scalar in 0usize..4, amount in 0i128..140,
    ) {
        let shape = [n];
        let pick = |bit: usize| if scalar == bit { &[][..] } else { &shape[..] };
        let (x, y) = (tensor(elem, pick(1), &a), tensor(elem, pick(2), &b));
        let c = tensor(Elem::Bits(1), pick(3), &b);
        let by = Tensor::constant(Elem::Ring(64), &[], amount).unwrap();
        let args: Vec<&Tensor> = match prim {
            Prim::Select => vec![&c, &x, &y],
            Prim::Shl | Prim::Shr | Prim::ShrLogical => vec![&x, &by],
            _ if prim.arity() == 1 => vec![&x],
            _ => vec![&x, &y],
        };
        let out = match prim { Prim::Eq | Prim::Lt => Elem::Bits(1), Prim::Cast => to, _ => elem };
        let expected: Result<Vec<u128>, LocalError> = (0..n).map(|i| {
            let raw = [0, 1, 2].map(|j| args.get(j).map_or(0, |t| t.raw_at(if t.elements() == 1 { 0 } else { i })));
            let types = [0, 1, 2].map(|j| args.get(j).map_or(out, |t| t.elem()));
            one::compute(prim, raw, types, out).map(|v| v & wide_mask(out.wire_bits()))
        }).collect();
        let found = apply(prim, &args, out, &shape).map(|t| (0..n).map(|i| t.raw_at(i)).collect::<Vec<_>>());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn one_element_is_integer_arithmetic(a: i64, b: i64, k in prop::sample::select(vec![1u8, 7, 32, 64, 100, 128])) {
        let elem = Elem::Ring(k);
        let (x, y) = (sign_extend(i128::from(a).cast_unsigned(), k), sign_extend(i128::from(b).cast_unsigned(), k));
        let run = |prim, out| {
            let (p, q) = (Tensor::constant(elem, &[], x).unwrap(), Tensor::constant(elem, &[], y).unwrap());
            apply(prim, &[&p, &q], out, &[]).map(|t| t.scalar().unwrap())
        };
        let wrap = |v: i128| sign_extend(v.cast_unsigned(), k);
        prop_assert_eq!(run(Prim::Add, elem), Ok(wrap(x.wrapping_add(y))));
        prop_assert_eq!(run(Prim::Sub, elem), Ok(wrap(x.wrapping_sub(y))));
        prop_assert_eq!(run(Prim::Mul, elem), Ok(wrap(x.wrapping_mul(y))));
        prop_assert_eq!(run(Prim::Lt, Elem::Bits(1)), Ok(i128::from(x < y)));
        if y == 0 {
            prop_assert_eq!(run(Prim::Div, elem), Err(LocalError::DivisionByZero));
        } else {
            let floor = x.div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0);
            prop_assert_eq!(run(Prim::Div, elem), Ok(wrap(floor)));
            prop_assert_eq!(run(Prim::Rem, elem), Ok(wrap(x.wrapping_sub(y.wrapping_mul(floor)))));
        }
    }

    #[test]
    fn bit_slices(value: u128, m in prop::sample::select(vec![7u8, 64, 100, 128]), start in 0u8..128, step in -3i8..=3, r in 1u8..128) {
        let a = Tensor::constant(Elem::Bits(m), &[70], value.cast_signed()).unwrap();
        let last = i32::from(start) + i32::from(step) * (i32::from(r) - 1);
        let legal = start < m && last >= 0 && last < i32::from(m);
        let found = apply(Prim::BitSlice { start, step }, &[&a], Elem::Bits(r), &[70]);
        prop_assert_eq!(found.is_ok(), legal);
        if let Ok(t) = found {
            for j in 0..r {
                let from = i32::from(start) + i32::from(step) * i32::from(j);
                prop_assert_eq!(t.raw_at(69) >> j & 1, value >> from & 1);
            }
        }
    }

    #[test]
    fn broadcasting(n in 1usize..5, m in 1usize..5) {
        let column: Vec<i128> = (0..n as i128).collect();
        let row: Vec<i128> = (0..m as i128).map(|j| 10 * j).collect();
        let a = Tensor::from_i128s(Elem::Ring(64), &[n, 1], &column).unwrap();
        let b = Tensor::from_i128s(Elem::Ring(64), &[1, m], &row).unwrap();
        let sum = apply(Prim::Add, &[&a, &b], Elem::Ring(64), &[n, m]).unwrap();
        let expected: Vec<i128> = column.iter().flat_map(|x| row.iter().map(move |y| x + y)).collect();
        prop_assert_eq!(sum.to_i128s(), expected);
    }
}

#[test]
fn conversions_between_integers_and_fixed_point() {
    let one = 1i128 << 64;
    let int = |k, v| Tensor::constant(Elem::Ring(k), &[], v).unwrap();
    let fix = |v| Tensor::constant(Elem::Fix, &[], v).unwrap();
    let run =
        |prim, args: &[&Tensor], out| apply(prim, args, out, &[]).map(|t| t.scalar().unwrap());
    let ring = Elem::Ring(64);
    assert_eq!(run(Prim::Cast, &[&fix(-one / 2)], ring), Ok(-1));
    assert_eq!(run(Prim::Cast, &[&int(64, -3)], Elem::Fix), Ok(-3 * one));
    assert_eq!(
        run(Prim::Encode, &[&fix(one / 3), &int(64, 16)], ring),
        Ok(21845)
    );
    assert_eq!(
        run(Prim::Encode, &[&fix(-one / 3), &int(64, 16)], ring),
        Ok(-21845)
    );
    assert_eq!(
        run(Prim::Encode, &[&fix(one), &int(64, 62)], ring),
        Ok(1 << 62)
    );
    let range = Err(LocalError::Range("an encoding as fixed point"));
    assert_eq!(run(Prim::Encode, &[&fix(one), &int(64, 63)], ring), range);
    assert_eq!(
        run(Prim::Encode, &[&fix(one), &int(64, 90)], Elem::Ring(128)),
        Ok(1 << 90)
    );
    assert_eq!(
        run(Prim::Decode, &[&int(64, 3), &int(64, 1)], Elem::Fix),
        Ok(one + one / 2)
    );
    assert_eq!(
        run(Prim::Sqrt, &[&fix(-1)], Elem::Fix),
        Err(LocalError::NegativeRoot)
    );
    assert_eq!(
        run(Prim::Shl, &[&int(64, 1), &int(64, -1)], ring),
        Err(LocalError::NegativeShift)
    );
    assert!(run(Prim::Add, &[&int(64, 1), &int(32, 1)], ring).is_err());
}
