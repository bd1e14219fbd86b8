//! Programs run end to end on endpoints: the results are right, and what was counted is what the
//! cost formulas evaluate to.

mod programs;

use programs::*;
use smpc_ir::Size;
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, Op};

#[test]
fn products_by_element_and_of_matrices() {
    let mut b = Build::new();
    let x = b.input(&[n(), m()]);
    let x = b.share(x);
    let squares = b.mul(x, x);
    let squares = b.reveal(squares);
    b.output("squares", squares);
    let turned = [0, 1, 2].map(|i| {
        let op = Op::Local(Local::Transpose { axes: vec![1, 0] });
        b.step(op, &[x[i]], RING, &[m(), n()], holders(i))
    });
    let gram = b.product(&Local::MatMul, x, turned, &[n(), n()]);
    let gram = b.reveal(gram);
    b.output("gram", gram);
    let program = b.finish();
    let outcome = run(&program, [2, 3], vec![ints(&[2, 3], &[1, -2, 3, 4, 5, -6])]);
    assert_eq!(answer(&outcome, "squares"), [1, 4, 9, 16, 25, 36]);
    assert_eq!(answer(&outcome, "gram"), [14, -24, -24, 77]);
    // Who makes a product's component opens it at once, to both others; party 0, who dealt, in the
    // round of the dealing. Both products share messages.
    assert_eq!(outcome.rounds, 2);
    assert_eq!(outcome.messages, 2 + 2 + 2);
    let empty = run(&program, [0, 3], vec![ints(&[0, 3], &[])]);
    assert_eq!(answer(&empty, "gram"), [] as [i128; 0]);
}

#[test]
fn loops_carry_shares_and_bind_their_counter() {
    let mut b = Build::new();
    let x = b.input(&[n()]);
    let x = b.share(x);
    let params = b.sharing(&[n()]);
    let body = b.nested(&params, |b| {
        let counter = Op::Local(Local::Size(Size::from(INNER[0])));
        let i = b.step(counter, &[], RING, &[], everyone());
        let mut y = b.mul(params, x);
        y[0] = b.prim(Prim::Add, &[y[0], i], RING, holders(0));
        y.to_vec()
    });
    let last = b.sharing(&[n()]);
    let op = Op::For {
        var: INNER[0],
        count: m(),
        body,
    };
    b.push(op, &x, &last);
    let last = b.reveal(last);
    b.output("y", last);
    let program = b.finish();
    for times in [0, 1, 4] {
        let outcome = run(&program, [3, times], vec![ints(&[3], &[1, 2, -3])]);
        let expected = [1i128, 2, -3].map(|x| (0..times).fold(x, |y, i| y * x + i));
        assert_eq!(answer(&outcome, "y"), expected);
    }
}

#[test]
fn a_loop_whose_steps_depend_on_its_counter_costs_their_sum() {
    let mut b = Build::new();
    let x = b.input(&[n()]);
    let x = b.share(x);
    let params = b.sharing(&[]);
    let i = Size::from(INNER[0]);
    let body = b.nested(&params, |b| {
        let part = [0, 1, 2].map(|c| {
            let op = Op::Local(Local::Slice {
                axis: 0,
                start: Size::zero(),
                end: i.clone(),
            });
            b.step(op, &[x[c]], RING, std::slice::from_ref(&i), holders(c))
        });
        let squares = b.mul(part, part);
        let sums = [0, 1, 2].map(|c| {
            let op = Op::Local(Local::Sum { axis: 0 });
            b.step(op, &[squares[c]], RING, &[], holders(c))
        });
        b.add(params, sums).to_vec()
    });
    let zero = [0, 1, 2].map(|c| b.constant(0, holders(c)));
    let last = b.sharing(&[]);
    let op = Op::For {
        var: INNER[0],
        count: n(),
        body,
    };
    b.push(op, &zero, &last);
    let last = b.reveal(last);
    b.output("s", last);
    let outcome = run(&b.finish(), [4, 0], vec![ints(&[4], &[1, 2, 3, 4])]);
    assert_eq!(answer(&outcome, "s"), [1 + 5 + 14]);
}

/// `while y < bound { y = y * y }` on an opened y, and a branch in the loop on whether it is even.
#[test]
fn whiles_and_branches_are_counted_as_they_run() {
    let mut b = Build::new();
    let x = b.input(&[]);
    let x = b.share(x);
    let bound = b.constant(1000, everyone());
    let params = b.sharing(&[]);
    let tested = b.sharing(&[]);
    let condition = b.nested(&tested, |b| {
        let open = b.reveal(tested);
        vec![b.prim(Prim::Lt, &[open, bound], Elem::Bits(1), everyone())]
    });
    let body = b.nested(&params, |b| {
        let squared = b.mul(params, params);
        let open = b.reveal(squared);
        let two = b.constant(2, everyone());
        let parity = b.prim(Prim::Rem, &[open, two], RING, everyone());
        let dear = b.nested(&[], |b| b.mul(squared, params).to_vec());
        let cheap = b.nested(&[], |_| squared.to_vec());
        let next = b.sharing(&[]);
        let op = Op::Switch {
            arms: vec![cheap, dear],
        };
        b.push(op, &[parity], &next);
        next.to_vec()
    });
    let last = b.sharing(&[]);
    let op = Op::While {
        iterations: INNER[2],
        condition,
        body,
    };
    b.push(op, &x, &last);
    let last = b.reveal(last);
    b.output("y", last);
    let program = b.finish();
    for start in [2i128, 3, 1000] {
        let mut expected = start;
        let mut times = 0;
        while expected < 1000 {
            let squared = expected * expected;
            expected = if squared % 2 == 0 {
                squared
            } else {
                squared * expected
            };
            times += 1;
        }
        let outcome = run(&program, [0, 0], vec![ints(&[], &[start])]);
        assert_eq!(answer(&outcome, "y"), [expected]);
        let counted = outcome.counts.get(&INNER[2]).copied().unwrap_or(0);
        assert_eq!(counted, times);
    }
}

/// Maps x -> a x + b, composed: the order of the operands shows.
#[test]
fn trees_keep_the_order_of_what_they_combine() {
    for scan in [false, true] {
        for length in [1i128, 2, 3, 5, 8, 11] {
            let mut b = Build::new();
            let (slopes, offsets) = (b.input(&[n()]), b.input(&[n()]));
            let (slopes, offsets) = (b.share(slopes), b.share(offsets));
            let half = [Size::from(INNER[0])];
            let sides = [(); 4].map(|()| b.sharing(&half));
            let body = b.nested(&sides.concat(), |b| {
                let [a_low, b_low, a_high, b_high] = sides;
                let slope = b.mul(a_high, a_low);
                let offset = b.mul(a_high, b_low);
                let offset = b.add(offset, b_high);
                [slope, offset].concat()
            });
            let shape: &[Size] = if scan { &[n()] } else { &[] };
            let results = [b.sharing(shape), b.sharing(shape)];
            let half = INNER[0];
            let op = if scan {
                Op::Scan { half, body }
            } else {
                Op::Reduce { half, body }
            };
            b.push(op, &[slopes, offsets].concat(), &results.concat());
            for (name, result) in ["a", "b"].iter().zip(results) {
                let open = b.reveal(result);
                b.output(name, open);
            }
            let a: Vec<i128> = (0..length).map(|i| i % 4 - 2).collect();
            let c: Vec<i128> = (0..length).map(|i| i * i - 5).collect();
            let mut prefixes = vec![(a[0], c[0])];
            for i in 1..length as usize {
                let (slope, offset) = prefixes[i - 1];
                prefixes.push((a[i] * slope, a[i] * offset + c[i]));
            }
            if !scan {
                prefixes.drain(..prefixes.len() - 1);
            }
            let (expected_a, expected_b): (Vec<i128>, Vec<i128>) = prefixes.into_iter().unzip();
            let rows = [length as usize];
            let outcome = run(
                &b.finish(),
                [length, 0],
                vec![ints(&rows, &a), ints(&rows, &c)],
            );
            assert_eq!(answer(&outcome, "a"), expected_a);
            assert_eq!(answer(&outcome, "b"), expected_b);
        }
    }
}

/// Two parties multiply with triples of a dealer who runs ahead.
#[test]
fn a_dealer_is_offline() {
    let mut b = Build::new();
    let x = b.input(&[n()]);
    let shape = [n()];
    let mask = b.coin(&shape, set(&[0, 1]));
    let own = b.prim(Prim::Sub, &[x, mask], RING, set(&[0]));
    let params = [
        b.value(RING, &shape, set(&[0])),
        b.value(RING, &shape, set(&[1])),
    ];
    let body = b.nested(&params, |b| {
        let first = b.program.values.len();
        // u, v, w = u v, each shared: party 0's parts are coins it has in common with the dealer.
        let left = [(); 3].map(|()| b.coin(&shape, set(&[0, 2])));
        let [u, v] = [(); 2].map(|()| b.coin(&shape, set(&[2])));
        let w = b.prim(Prim::Mul, &[u, v], RING, set(&[2]));
        let mut right = vec![];
        for (whole, part) in [u, v, w].into_iter().zip(left) {
            let rest = b.prim(Prim::Sub, &[whole, part], RING, set(&[2]));
            right.push(b.send(rest, 2, &[1]));
        }
        for info in &mut b.program.values[first..] {
            info.offline = true;
        }
        let mut opened = vec![];
        for i in 0..2 {
            let d0 = b.prim(Prim::Sub, &[params[0], left[i]], RING, set(&[0]));
            let d1 = b.prim(Prim::Sub, &[params[1], right[i]], RING, set(&[1]));
            let (d0, d1) = (b.send(d0, 0, &[1]), b.send(d1, 1, &[0]));
            opened.push(b.prim(Prim::Add, &[d0, d1], RING, set(&[0, 1])));
        }
        let (d, e) = (opened[0], opened[1]);
        // (u + d)(v + e) = w + d v + e u + d e
        let part = |b: &mut Build, at: u8, u, v, w| {
            let dv = b.prim(Prim::Mul, &[d, v], RING, set(&[at]));
            let eu = b.prim(Prim::Mul, &[e, u], RING, set(&[at]));
            let sum = b.prim(Prim::Add, &[w, dv], RING, set(&[at]));
            b.prim(Prim::Add, &[sum, eu], RING, set(&[at]))
        };
        let z0 = part(b, 0, left[0], left[1], left[2]);
        let z1 = part(b, 1, right[0], right[1], right[2]);
        let de = b.prim(Prim::Mul, &[d, e], RING, set(&[0]));
        vec![b.prim(Prim::Add, &[z0, de], RING, set(&[0])), z1]
    });
    let last = [
        b.value(RING, &shape, set(&[0])),
        b.value(RING, &shape, set(&[1])),
    ];
    let op = Op::For {
        var: INNER[0],
        count: m(),
        body,
    };
    b.push(op, &[own, mask], &last);
    let rest = b.send(last[1], 1, &[0]);
    let y = b.prim(Prim::Add, &[last[0], rest], RING, set(&[0]));
    b.output("y", y);
    let program = b.finish();
    let outcome = run(&program, [3, 2], vec![ints(&[3], &[2, 3, -1])]);
    assert_eq!(answer(&outcome, "y"), [16, 81, 1]);
    assert_eq!(outcome.rounds, 2 + 1);
    assert_eq!(outcome.offline_bytes, [0, 0, 2 * 3 * 3 * 8]);
    let long = run(&program, [1000, 300], vec![ints(&[1000], &[1; 1000])]);
    assert_eq!(answer(&long, "y"), vec![1; 1000]);
}

#[test]
fn outputs_come_in_the_order_of_the_program() {
    let mut b = Build::new();
    let x = b.input(&[]);
    let shared = b.share(x);
    let late = b.reveal(shared);
    let early = b.constant(5, everyone());
    b.output("late", late);
    b.output("early", early);
    let outcome = run(&b.finish(), [0, 0], vec![ints(&[], &[4])]);
    for party in 0..3 {
        let own = outcome.outputs.iter().filter(|o| o.party == party);
        let names: Vec<&str> = own.map(|o| o.name.as_str()).collect();
        assert_eq!(names, ["late", "early"]);
    }
}

#[test]
fn bits_travel_packed() {
    let mut b = Build::new();
    let x = b.input(&[n()]);
    let zero = b.constant(0, set(&[0]));
    let sign = b.prim(Prim::Lt, &[x, zero], Elem::Bits(1), set(&[0]));
    let sign = b.send(sign, 0, &[1, 2]);
    b.output("sign", sign);
    let values: Vec<i128> = (0..21)
        .map(|i| if i % 3 == 0 { -i - 1 } else { i })
        .collect();
    let outcome = run(&b.finish(), [21, 0], vec![ints(&[21], &values)]);
    let expected: Vec<i128> = values.iter().map(|v| i128::from(*v < 0)).collect();
    assert_eq!(answer(&outcome, "sign"), expected);
    assert_eq!(outcome.bytes, [6, 0, 0]);
}

#[test]
fn a_coin_that_one_party_does_not_read_keeps_the_streams_in_step() {
    let mut b = Build::new();
    let pair = set(&[0, 1]);
    let first = b.coin(&[n()], pair);
    let single = b.coin(&[], pair);
    let last = b.coin(&[n()], pair);
    // Party 0 reads all three, in a kernel; party 1 the last alone.
    let two = b.constant(2, set(&[0]));
    let sum = b.prim(Prim::Add, &[first, last], RING, set(&[0]));
    let sum = b.prim(Prim::Mul, &[sum, two], RING, set(&[0]));
    let sum = b.prim(Prim::Add, &[sum, single], RING, set(&[0]));
    b.output("sum", sum);
    b.output("first", first);
    b.output("single", single);
    let read = b.prim(Prim::Add, &[last, last], RING, pair);
    b.output("twice", read);
    let outcome = run(&b.finish(), [700, 0], vec![]);
    let of = |name, party| {
        let mut named = outcome
            .outputs
            .iter()
            .filter(|o| o.name == name && o.party == party);
        named.next().unwrap().value.to_i128s()
    };
    assert_eq!(of("twice", 0), of("twice", 1));
    let (sum, first, twice) = (of("sum", 0), of("first", 0), of("twice", 0));
    let single = of("single", 0)[0];
    for i in 0..700 {
        let expected = 2 * first[i] + twice[i] + single;
        assert_eq!(sum[i], i128::from(expected as i64));
    }
}
