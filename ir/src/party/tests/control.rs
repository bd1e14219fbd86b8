//! What loops, trees and arms cost.

use super::*;

fn evaluated(size: &Size, env: &[(SizeVar, i128)]) -> i128 {
    let value = |v| {
        env.iter()
            .find(|(var, _)| *var == v)
            .map(|(_, value)| *value)
    };
    size.evaluate(&value).unwrap()
}

#[test]
fn trees_cost_their_levels() {
    for scan in [false, true] {
        let mut b = Build::new();
        let x = b.sharing(Elem::Ring(64), &[Size::from(N)]);
        let body = squaring(&mut b, &[Size::from(LOOP)], 2);
        let (op, shape) = if scan {
            (Op::Scan { half: LOOP, body }, vec![Size::from(N)])
        } else {
            (Op::Reduce { half: LOOP, body }, vec![])
        };
        control(&mut b, op, &x, &shape);
        let program = b.finish();
        let cost = cost(validate(&program).unwrap());
        assert_eq!(cost.rounds.display(&name), "⌈log2(n)⌉");
        // Levels of 10 rows: 5, 2, 1, 1 pairs; prefixes: 5, 4, 4, 2.
        let pairs = if scan { 15 } else { 9 };
        assert_eq!(evaluated(&cost.bytes[1], &[(N, 10)]), 8 * pairs);
        assert_eq!(evaluated(&cost.messages[1], &[(N, 10)]), 4);
    }
}

#[test]
fn a_while_loop_is_counted_by_its_iterations() {
    let mut b = Build::new();
    let shape = [Size::from(N)];
    let x = b.sharing(Elem::Ring(64), &shape);
    let mut body = squaring(&mut b, &shape, 1);
    let outer = std::mem::take(&mut b.block);
    let params = [0u8, 1, 2].map(|i| b.value(Elem::Ring(64), &shape, set(&[i, (i + 2) % 3])));
    let coin = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Bits(1),
        &[],
        set(&[0]),
    );
    let test = b.step(
        Op::Send {
            from: Party(0),
            to: set(&[1, 2]),
        },
        &[coin],
        Elem::Bits(1),
        &[],
        set(&[0, 1, 2]),
    );
    let mut condition = std::mem::replace(&mut b.block, outer);
    (condition.params, condition.results) = (params.to_vec(), vec![test]);
    body.params.truncate(3);
    let iterations = M;
    control(
        &mut b,
        Op::While {
            iterations,
            condition,
            body,
        },
        &x,
        &shape,
    );
    let program = b.finish();
    let cost = cost(validate(&program).unwrap());
    assert_eq!(cost.rounds.display(&name), "2·m + 1");
    assert_eq!(cost.bytes[0].display(&name), "8·n·m + 2·m + 2");
    assert_eq!(cost.bytes[1].display(&name), "8·n·m");
    assert_eq!(cost.messages[0].display(&name), "3·m + 2");
    assert_eq!(cost.opaque[0].var, M);
}

#[test]
fn arms_that_differ_are_counted_apart() {
    for same in [true, false] {
        let mut b = Build::new();
        let shape = [Size::from(N)];
        let x = b.sharing(Elem::Ring(64), &shape);
        let everyone = set(&[0, 1, 2]);
        let index = b.step(
            Op::Local(Local::Constant(1)),
            &[],
            Elem::Ring(64),
            &[],
            everyone,
        );
        let arms = [true, same].map(|dear| {
            let outer = std::mem::take(&mut b.block);
            let results = if dear { b.product(x, x) } else { x };
            let mut arm = std::mem::replace(&mut b.block, outer);
            arm.results = results.to_vec();
            arm
        });
        control(
            &mut b,
            Op::Switch {
                arms: arms.to_vec(),
            },
            &[index],
            &shape,
        );
        b.program.sizes = vec![
            SizeInfo {
                name: "n".into(),
                origin: crate::share::SizeOrigin::Loop,
                source: Source::default(),
            };
            3
        ];
        let program = b.finish();
        let cost = cost(validate(&program).unwrap());
        if same {
            assert_eq!(cost.bytes[0].display(&name), "8·n");
            assert!(cost.opaque.is_empty());
        } else {
            let taken = cost.opaque[0].var;
            assert!(taken.0 >= 3, "arms are counted beyond the program's sizes");
            assert_eq!(evaluated(&cost.rounds, &[(taken, 4)]), 4);
            assert_eq!(evaluated(&cost.bytes[0], &[(taken, 4), (N, 5)]), 160);
        }
    }
}
