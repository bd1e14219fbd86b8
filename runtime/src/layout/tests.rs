use super::*;
use crate::product::{matrix, matrix_of};
use proptest::prelude::*;

const ELEMS: [Elem; 8] = [
    Elem::Ring(1),
    Elem::Ring(7),
    Elem::Ring(64),
    Elem::Ring(100),
    Elem::Bits(1),
    Elem::Bits(7),
    Elem::Bits(128),
    Elem::Fix,
];

/// Distinct small elements, as far as the type has them.
fn counting(elem: Elem, shape: &[usize], first: i128) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<i128> = (0..n as i128).map(|i| (first + i * 7) ^ (i >> 2)).collect();
    Tensor::from_i128s(elem, shape, &values).unwrap()
}

/// All index tuples of a shape, in row-major order.
fn places(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![vec![]], |all, d| {
        all.iter()
            .flat_map(|at| (0..*d).map(|i| [&at[..], &[i]].concat()))
            .collect()
    })
}

fn get(t: &Tensor, at: &[usize]) -> i128 {
    let i = at.iter().zip(t.shape()).fold(0, |i, (x, d)| i * d + x);
    t.at(i).unwrap()
}

/// Compares with a definition by index.
fn is(t: &Tensor, elem: Elem, shape: &[usize], f: impl Fn(&[usize]) -> i128) {
    let values: Vec<i128> = places(shape).iter().map(|at| f(at)).collect();
    assert_eq!(t, &Tensor::from_i128s(elem, shape, &values).unwrap());
}

proptest! {
    #[test]
    fn moves(
        elem in prop::sample::select(ELEMS.to_vec()),
        shape in prop::collection::vec(1usize..20, 1..4),
        seed in 0usize..1000,
    ) {
        let a = counting(elem, &shape, seed as i128);
        let rank = shape.len();
        let axis = seed % rank;

        let mut axes: Vec<u8> = (0..rank as u8).collect();
        axes.rotate_left(seed % rank);
        if seed % 2 == 0 { axes.reverse(); }
        let turned: Vec<usize> = axes.iter().map(|x| shape[usize::from(*x)]).collect();
        is(&transpose(&a, &axes).unwrap(), elem, &turned, |at| {
            let mut from = vec![0; rank];
            for (i, axis) in axes.iter().enumerate() { from[usize::from(*axis)] = at[i]; }
            get(&a, &from)
        });

        let (start, end) = (seed % (shape[axis] + 1), shape[axis]);
        let mut part = shape.clone();
        part[axis] = end - start;
        let cut = slice(&a, axis, start as i128, end as i128).unwrap();
        is(&cut, elem, &part, |at| { let mut at = at.to_vec(); at[axis] += start; get(&a, &at) });

        let head = slice(&a, axis, 0, start as i128).unwrap();
        prop_assert_eq!(&concat(&[&head, &cut], axis).unwrap(), &a);

        let mut flat = shape.clone();
        flat[axis] = 1;
        let line = slice(&a, axis, 0, 1).unwrap();
        is(&broadcast(&line, &shape).unwrap(), elem, &shape, |at| { let mut at = at.to_vec(); at[axis] = 0; get(&line, &at) });

        let indices: Vec<i128> = (0..6).map(|i| ((seed * i) % shape[0]) as i128).collect();
        let b = Tensor::from_i128s(Elem::Ring(64), &[2, 3], &indices).unwrap();
        let picked = [&[2, 3], &shape[1..]].concat();
        is(&gather(&a, &b).unwrap(), elem, &picked, |at| {
            let row = indices[at[0] * 3 + at[1]] as usize;
            get(&a, &[&[row], &at[2..]].concat())
        });

        let order: Vec<i128> = (0..shape[0]).map(|i| ((i + seed) % shape[0]) as i128).collect();
        let order = Tensor::from_i128s(Elem::Ring(64), &[shape[0]], &order).unwrap();
        let moved = scatter(&a, &a, &order).unwrap();
        prop_assert_eq!(&gather(&moved, &order).unwrap(), &a);
        let back = inverse_permutation(&order).unwrap();
        prop_assert_eq!(gather(&a, &back).unwrap(), moved);

        let mut summed = shape.clone();
        summed.remove(axis);
        is(&sum(&a, axis).unwrap(), elem, &summed, |at| {
            (0..shape[axis]).fold(0, |total, i| {
                let mut at = at.to_vec();
                at.insert(axis, i);
                let x = get(&a, &at);
                if matches!(elem, Elem::Bits(_)) { total ^ x } else { total + x }
            })
        });
    }

    #[test]
    fn bits_unpack_and_pack(m in 1u8..=128, n in 0usize..40, value: i128) {
        let values: Vec<i128> = (0..n as i128).map(|i| value.wrapping_mul(2 * i + 1)).collect();
        let a = Tensor::from_i128s(Elem::Bits(m), &[n], &values).unwrap();
        let bits = unpack(&a).unwrap();
        is(&bits, Elem::Bits(1), &[n, m.into()], |at| values[at[0]] >> at[1] & 1);
        prop_assert_eq!(pack(&bits).unwrap(), a);
    }

    #[test]
    fn wire_format(k in 1u8..=128, ring: bool, n in 0usize..70, value: i128) {
        let elem = if ring { Elem::Ring(k) } else { Elem::Bits(k) };
        let values: Vec<i128> = (0..n as i128).map(|i| value.wrapping_mul(2 * i + 1)).collect();
        let a = Tensor::from_i128s(elem, &[n], &values).unwrap();
        let mut bytes = vec![];
        a.pack(&mut bytes);
        prop_assert_eq!(bytes.len(), (n * usize::from(k)).div_ceil(8));
        prop_assert_eq!(bytes.len(), a.wire_bytes());
        for (i, value) in values.iter().enumerate() {
            for j in 0..usize::from(k) {
                let at = i * usize::from(k) + j;
                prop_assert_eq!(i128::from(bytes[at / 8] >> (at % 8) & 1), value >> j & 1);
            }
        }
        prop_assert_eq!(Tensor::unpack(elem, &[n], &bytes).unwrap(), a.clone());
        if let Some(last) = bytes.last_mut() && n * usize::from(k) % 8 != 0 {
            *last |= 0x80;
            prop_assert_eq!(Tensor::unpack(elem, &[n], &bytes).unwrap(), a);
        }
        bytes.push(0);
        prop_assert!(Tensor::unpack(elem, &[n], &bytes).is_err());
    }

    #[test]
    fn products(elem in prop::sample::select(ELEMS.to_vec()), n in 1usize..5, k in 0usize..40, m in 1usize..70, batch in 1usize..3) {
        let unit = if elem == Elem::Fix { 1i128 << 64 } else { 1 };
        let scaled = |shape: &[usize], first| {
            let t = counting(elem, shape, first);
            let values: Vec<i128> = t.to_i128s().iter().map(|v| v * unit).collect();
            if unit == 1 { t } else { Tensor::from_i128s(elem, shape, &values).unwrap() }
        };
        let (a, b) = (scaled(&[batch, n, k], 3), scaled(&[batch, k, m], 5));
        let definition = |at: &[usize]| (0..k).fold(0i128, |total, p| {
            let (x, y) = (get(&a, &[at[0], at[1], p]), get(&b, &[at[0], p, at[2]]));
            match elem {
                Elem::Bits(_) => total ^ (x & y),
                Elem::Ring(_) => total.wrapping_add(x.wrapping_mul(y)),
                Elem::Field(p) => p.signed(p.residue(total + x * y)),
                Elem::Fix => total + (x / unit) * y,
            }
        });
        is(&matrix(&a, &b).unwrap(), elem, &[batch, n, m], definition);
        let (at, bt) = (transpose(&a, &[0, 2, 1]).unwrap(), transpose(&b, &[0, 2, 1]).unwrap());
        is(&matrix_of(&at, true, &bt, true).unwrap(), elem, &[batch, n, m], definition);
    }
}

#[test]
fn what_has_no_result_is_an_error() {
    let a = counting(Elem::Ring(64), &[3, 2], 0);
    let index = |v| Tensor::from_i128s(Elem::Ring(64), &[1], &[v]).unwrap();
    let out = |index| LocalError::Index { index, length: 3 };
    assert_eq!(gather(&a, &index(3)), Err(out(3)));
    assert_eq!(gather(&a, &index(-1)), Err(out(-1)));
    assert_eq!(slice(&a, 0, 2, 4), Err(out(4)));
    assert_eq!(slice(&a, 0, 2, 1), Err(out(1)));
    assert!(slice(&a, 2, 0, 0).is_err() && sum(&a, 2).is_err() && transpose(&a, &[0, 0]).is_err());
    let twice = Tensor::from_i128s(Elem::Ring(64), &[2], &[1, 1]).unwrap();
    assert_eq!(
        inverse_permutation(&twice),
        Err(LocalError::NotAPermutation)
    );
    assert!(broadcast(&a, &[3, 4]).is_err() && matrix(&a, &a).is_err());
    assert_eq!(
        Tensor::zeros(Elem::Ring(64), &[usize::MAX, 2]),
        Err(LocalError::TooLarge)
    );
}
