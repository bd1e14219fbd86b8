use super::*;
use crate::prg::Seed;
use crate::{coin, elementwise};
use proptest::prelude::*;
use smpc_ir::local::Prim;
use smpc_ir::party::CoinDomain;

const ELEMS: [Elem; 7] = [
    Elem::Ring(1),
    Elem::Ring(7),
    Elem::Ring(64),
    Elem::Bits(1),
    Elem::Bits(5),
    Elem::Bits(64),
    Elem::Ring(32),
];

fn prims() -> Vec<Prim> {
    use Prim::*;
    let mut all = vec![
        Add, Sub, Mul, Neg, Not, Shl, Shr, ShrLogical, Eq, Lt, Select, Cast,
    ];
    for (start, step) in [(0, 1), (1, 2), (4, -1), (63, -2), (3, 1), (1, 3)] {
        all.push(BitSlice { start, step });
    }
    all
}

/// Builds a kernel from choices and compares with the operations one by one.
fn agrees(n: usize, choices: &[(usize, usize, usize, usize)]) -> Result<(), TestCaseError> {
    let shape = [n];
    let mut stream = Stream::new(&Seed::from_bytes([9; 16]));
    let mut builder = Builder::default();
    let (mut slots, mut values): (Vec<Slot>, Vec<Tensor>) = (vec![], vec![]);
    let mut args = vec![];
    for elem in ELEMS {
        let value = coin::draw(&CoinDomain::Uniform, elem, &shape, &mut stream).unwrap();
        slots.push(builder.input(elem).unwrap());
        args.push(value.clone());
        values.push(value);
    }
    for elem in [Elem::Ring(64), Elem::Bits(1), Elem::Ring(32)] {
        let value = Tensor::constant(elem, &[], 5).unwrap();
        slots.push(builder.scalar(elem).unwrap());
        args.push(value.clone());
        values.push(value);
    }
    slots.push(builder.constant(Elem::Bits(1), 1).unwrap());
    values.push(Tensor::constant(Elem::Bits(1), &[], 1).unwrap());
    slots.push(builder.constant(Elem::Ring(64), -3).unwrap());
    values.push(Tensor::constant(Elem::Ring(64), &[], -3).unwrap());
    let mut drawn = vec![];
    let mut outputs = vec![];
    for (what, x, y, z) in choices {
        let computed = what % (prims().len() + 1);
        let elem = ELEMS[z % ELEMS.len()];
        let Some(prim) = prims().get(computed).copied() else {
            let words = coin::uniform_words(elem, &shape).unwrap();
            let start = stream.reserve(words as u64).unwrap();
            drawn.push(start);
            slots.push(builder.coin(elem).unwrap());
            values.push(coin::uniform_at(elem, &shape, &stream, start).unwrap());
            continue;
        };
        // The next three values whose types fit, if any.
        let pick = |from: usize, fits: &dyn Fn(Elem) -> bool| {
            (0..slots.len())
                .map(|i| (i + from) % slots.len())
                .find(|i| fits(values[*i].elem()))
        };
        let chosen: Option<(Vec<usize>, Elem)> = (|| {
            let a = x % slots.len();
            let t = values[a].elem();
            Some(match prim {
                Prim::Select => {
                    let s = pick(*z, &|e| e == Elem::Bits(1))?;
                    (vec![s, a, pick(*y, &|e| e == t)?], t)
                }
                Prim::Shl | Prim::Shr | Prim::ShrLogical => (vec![a, ELEMS.len()], t),
                Prim::Eq | Prim::Lt => (vec![a, pick(*y, &|e| e == t)?], Elem::Bits(1)),
                Prim::Cast => (vec![a], elem),
                Prim::BitSlice { .. } => (vec![a], elem),
                _ if prim.arity() == 1 => (vec![a], t),
                _ => (vec![a, pick(*y, &|e| e == t)?], t),
            })
        })();
        let Some((operands, out)) = chosen else {
            continue;
        };
        let given: Vec<Slot> = operands.iter().map(|i| slots[*i]).collect();
        let Some(slot) = builder.prim(prim, &given, out) else {
            continue;
        };
        let tensors: Vec<&Tensor> = operands.iter().map(|i| &values[*i]).collect();
        let value = elementwise::apply(prim, &tensors, out, &shape).unwrap();
        if y % 2 == 0 && builder.output(slot).is_some() {
            outputs.push(values.len());
        }
        slots.push(slot);
        values.push(value);
    }
    let kernel = builder.build();
    let coins: Vec<(&Stream, u64)> = drawn.iter().map(|start| (&stream, *start)).collect();
    let args: Vec<&Tensor> = args.iter().collect();
    let results = kernel.run(&shape, &args, &coins).unwrap();
    prop_assert_eq!(results.len(), outputs.len());
    for (result, output) in results.iter().zip(outputs) {
        prop_assert_eq!(result, &values[output]);
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_kernel_is_its_operations_one_by_one(
        n in prop::sample::select(vec![0usize, 2, 63, 64, 511, 512, 513, 1200]),
        choices in prop::collection::vec(any::<(usize, usize, usize, usize)>(), 1..40),
    ) {
        agrees(n, &choices)?;
    }
}

#[test]
fn large_runs_in_parallel() {
    let choices: Vec<_> = (0..60).map(|i| (i * 7 + 3, i * 5, 2 * i, i * 3)).collect();
    agrees(PARALLEL + 777, &choices).unwrap();
}

#[test]
fn what_kernels_do_not_do() {
    let mut builder = Builder::default();
    assert!(builder.input(Elem::Fix).is_none() && builder.input(Elem::Ring(65)).is_none());
    let x = builder.input(Elem::Ring(64)).unwrap();
    let s = builder.scalar(Elem::Ring(64)).unwrap();
    assert!(builder.prim(Prim::Div, &[x, x], Elem::Ring(64)).is_none());
    assert!(builder.prim(Prim::Shl, &[x, x], Elem::Ring(64)).is_none());
    assert!(builder.prim(Prim::Add, &[x, x], Elem::Ring(32)).is_none());
    assert!(builder.output(x).is_none());
    let y = builder.prim(Prim::Shr, &[x, s], Elem::Ring(64)).unwrap();
    builder.output(y).unwrap();
    let kernel = builder.build();
    let a = Tensor::constant(Elem::Ring(64), &[3], 8).unwrap();
    let by = |v| Tensor::constant(Elem::Ring(64), &[], v).unwrap();
    let run = |v| {
        kernel
            .run(&[3], &[&a, &by(v)], &[])
            .map(|r| r[0].to_i128s())
    };
    assert_eq!(run(2), Ok(vec![2, 2, 2]));
    assert_eq!(run(-1), Err(LocalError::NegativeShift));
    assert!(kernel.run(&[4], &[&a, &by(1)], &[]).is_err());
}
