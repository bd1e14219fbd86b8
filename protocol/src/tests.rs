//! Flat protocols evaluated in the clear, all parties at once, with random coins: results, the
//! knowledge rules, rounds and bytes.

use crate::{Bound, Library};
use smpc_grammar::Sources;
use smpc_ir::flat::{Flat, FlatOp, FlatOperand, Kind, Owner, Protocols, TruncMode, Want};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};
use std::collections::BTreeMap;

mod bits;
mod costs;
mod errors;
mod fields;

const RING: Elem = Elem::Ring(64);
const BIT: Elem = Elem::Bits(1);

/// A small deterministic generator (splitmix64).
struct Coins(u64);

impl Coins {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

fn width(elem: Elem) -> u32 {
    u32::from(elem.wire_bits())
}

fn mask(value: u128, elem: Elem) -> u128 {
    if let Elem::Field(p) = elem {
        return p.reduce(value);
    }
    match width(elem) {
        128 => value,
        w => value & ((1 << w) - 1),
    }
}

fn signed(value: u128, elem: Elem) -> i128 {
    let shift = 128 - width(elem);
    ((value << shift) as i128) >> shift
}

fn backend(name: &str, args: &[(&str, i128)]) -> Bound {
    let mut sources = Sources::new();
    let library = Library::standard(&mut sources);
    let args: Vec<_> = args.iter().map(|(n, v)| (n.to_string(), *v)).collect();
    library.bind(name, &args, None).unwrap()
}

fn flat(bound: &Bound, want: Want) -> std::sync::Arc<Flat> {
    match bound.protocol(want) {
        Ok(flat) => flat,
        Err(missing) => panic!("{want:?}: {}", missing.0),
    }
}

/// Rows of a value; scalars have one.
type Rows = Vec<u128>;

fn prim(op: Prim, args: &[u128], elems: &[Elem], to: Elem) -> u128 {
    let bits = matches!(to, Elem::Bits(_));
    let (a, b) = (args[0], args.get(1).copied().unwrap_or(0));
    let shift = u32::try_from(b).unwrap_or(u32::MAX);
    if let Elem::Field(p) = to {
        return match op {
            Prim::Add => p.add(a, b),
            Prim::Sub => p.sub(a, b),
            Prim::Mul => p.mul(a, b),
            Prim::Neg => p.neg(a),
            other => panic!("{other:?} in a field"),
        };
    }
    let value = match op {
        Prim::Add | Prim::Sub if bits => a ^ b,
        Prim::Mul if bits => a & b,
        Prim::Add => a.wrapping_add(b),
        Prim::Sub => a.wrapping_sub(b),
        Prim::Mul => a.wrapping_mul(b),
        Prim::Neg if bits => a,
        Prim::Neg => a.wrapping_neg(),
        Prim::Not => !a,
        Prim::Shl => a.checked_shl(shift).unwrap_or(0),
        Prim::Shr => (signed(a, elems[0]) >> shift.min(127)) as u128,
        Prim::ShrLogical => a.checked_shr(shift).unwrap_or(0),
        Prim::Eq => u128::from(a == b),
        Prim::Lt => u128::from(signed(a, elems[0]) < signed(b, elems[1])),
        Prim::Cast => match (elems[0], to) {
            (Elem::Ring(_), Elem::Ring(_)) => signed(a, elems[0]) as u128,
            _ => a,
        },
        Prim::BitSlice { start, step } => (0..width(to))
            .map(|i| {
                let from = i32::from(start) + i as i32 * i32::from(step);
                assert!(
                    0 <= from && (from as u32) < width(elems[0]),
                    "slice out of range"
                );
                (a >> from & 1) << i
            })
            .sum(),
        other => panic!("{other:?} in a flat protocol"),
    };
    mask(value, to)
}

/// A literal, in bits a mask if it is odd.
fn coefficient(c: i128, elem: Elem) -> u128 {
    match elem {
        Elem::Field(p) => p.residue(c),
        _ => mask(c as u128, elem),
    }
}

/// Runs a flat protocol and checks its rules on the way.
fn run(flat: &Flat, inputs: &[Rows], coins: &mut Coins) -> Vec<Rows> {
    let mut values: BTreeMap<u32, Rows> = BTreeMap::new();
    let params: Vec<u32> = flat
        .params
        .iter()
        .flat_map(|p| crate::build::ids(p).to_vec())
        .collect();
    assert_eq!(params.len(), inputs.len(), "{}", flat.name);
    let rows = inputs.iter().map(Vec::len).max().unwrap_or(1);
    for (id, input) in params.iter().zip(inputs) {
        values.insert(*id, input.clone());
    }
    for step in &flat.steps {
        let info = &flat.values[step.result as usize];
        let args: Vec<Rows> = step.args.iter().map(|id| values[id].clone()).collect();
        let elems: Vec<Elem> = step
            .args
            .iter()
            .map(|id| flat.values[*id as usize].elem)
            .collect();
        let known = |id: &u32| flat.values[*id as usize].known_to;
        let length = if info.kind == Kind::Scalar { 1 } else { rows };
        let at = |arg: &Rows, i: usize| if arg.len() == 1 { arg[0] } else { arg[i] };
        assert!(!info.known_to.is_empty());
        if info.offline {
            assert!(step.args.iter().all(|id| flat.values[*id as usize].offline));
        }
        if !matches!(step.op, FlatOp::Send { .. }) {
            for id in &step.args {
                assert!(
                    info.known_to.is_subset(known(id)),
                    "{}: {step:?}",
                    flat.name
                );
            }
        }
        let result: Rows = match &step.op {
            FlatOp::Coin(CoinDomain::Permutation) => {
                let mut order: Rows = (0..rows as u128).collect();
                for i in (1..rows).rev() {
                    order.swap(i, coins.next() as usize % (i + 1));
                }
                order
            }
            FlatOp::Coin(_) => (0..length).map(|_| mask(coins.wide(), info.elem)).collect(),
            FlatOp::Send { from, to } => {
                let source = known(&step.args[0]);
                assert!(source.contains(Party(*from)), "{}: {step:?}", flat.name);
                assert!(info.known_to.is_subset(source.union(*to)));
                args[0].clone()
            }
            FlatOp::Bilinear => {
                assert_eq!(flat.values[step.args[0] as usize].kind, Kind::Left);
                assert_eq!(flat.values[step.args[1] as usize].kind, Kind::Right);
                assert_eq!(info.kind, Kind::Product);
                (0..length)
                    .map(|i| {
                        prim(
                            Prim::Mul,
                            &[at(&args[0], i), at(&args[1], i)],
                            &elems,
                            info.elem,
                        )
                    })
                    .collect()
            }
            FlatOp::Local(Local::Constant(c)) => vec![coefficient(*c, info.elem); length],
            FlatOp::Local(Local::Broadcast) => vec![args[0][0]; length],
            // Who compares has copies of one value here; keys are 0.
            FlatOp::Check { .. } => args[0].clone(),
            FlatOp::Assert { .. } => vec![1],
            FlatOp::Key(_) => vec![0],
            FlatOp::Local(Local::Digest) => vec![0; 2],
            FlatOp::Local(Local::Gather) => args[1].iter().map(|i| args[0][*i as usize]).collect(),
            FlatOp::Local(Local::Prim(op)) => (0..length)
                .map(|i| {
                    let list: Vec<u128> = args.iter().map(|arg| at(arg, i)).collect();
                    prim(*op, &list, &elems, info.elem)
                })
                .collect(),
            other => panic!("{other:?}"),
        };
        values.insert(step.result, result);
    }
    flat.results
        .iter()
        .flat_map(|r| crate::build::ids(r).to_vec())
        .map(|id| values[&id].clone())
        .collect()
}

/// The sum of coefficients times rows.
fn combine(elem: Elem, coefficients: &[i128], parts: &[Rows]) -> Rows {
    let rows = parts.iter().map(Vec::len).max().unwrap();
    let of = |c: i128| match elem {
        Elem::Bits(_) => mask((c & 1).wrapping_neg() as u128, elem),
        _ => coefficient(c, elem),
    };
    (0..rows)
        .map(|i| {
            parts.iter().zip(coefficients).fold(0, |sum, (part, c)| {
                let v = if part.len() == 1 { part[0] } else { part[i] };
                let term = prim(Prim::Mul, &[v, of(*c)], &[elem, elem], elem);
                prim(Prim::Add, &[sum, term], &[elem, elem], elem)
            })
        })
        .collect()
}

/// A random sharing: a uniform solution of the `share` equations.
fn deal(bound: &Bound, elem: Elem, value: &[u128], coins: &mut Coins) -> Vec<Rows> {
    let sharing = bound.sharing(elem).unwrap();
    let mut terms = vec![value.to_vec()];
    for _ in &sharing.masks {
        terms.push(value.iter().map(|_| mask(coins.wide(), elem)).collect());
    }
    let component = |at: usize| {
        let own = std::iter::once(sharing.constant[at]);
        let own: Vec<i128> = own.chain(sharing.masks.iter().map(|m| m[at])).collect();
        combine(elem, &own, &terms)
    };
    (0..sharing.holders.len()).map(component).collect()
}

fn open(bound: &Bound, elem: Elem, parts: &[Rows]) -> Rows {
    let sharing = bound.sharing(elem).unwrap();
    assert_eq!(sharing.holders.len(), parts.len());
    combine(elem, &sharing.reconstruction, parts)
}

/// Message depth, and bytes all parties send per element, apart from offline ones.
fn cost(flat: &Flat) -> (usize, usize) {
    let mut depth = vec![0; flat.values.len()];
    let mut bytes = 0;
    for step in &flat.steps {
        let args = step
            .args
            .iter()
            .map(|id| depth[*id as usize])
            .max()
            .unwrap_or(0);
        depth[step.result as usize] = args;
        if let FlatOp::Send { to, .. } = &step.op
            && !flat.values[step.result as usize].offline
        {
            depth[step.result as usize] = args + 1;
            let bits = flat.values[step.result as usize].elem.wire_bits();
            bytes += usize::from(bits).div_ceil(8) * to.len() as usize;
        }
    }
    let results = flat.results.iter().flat_map(crate::build::ids);
    (
        results.map(|id| depth[*id as usize]).max().unwrap_or(0),
        bytes,
    )
}

/// Applies a protocol to shared operands and opens the result.
fn apply(bound: &Bound, want: Want, args: &[(Elem, u128)], to: Elem, coins: &mut Coins) -> u128 {
    let protocol = flat(bound, want);
    let inputs: Vec<Rows> = args
        .iter()
        .flat_map(|(elem, value)| deal(bound, *elem, &[*value], coins))
        .collect();
    open(bound, to, &run(&protocol, &inputs, coins))[0]
}

fn backends() -> Vec<Bound> {
    vec![
        backend("rep3", &[]),
        backend("additive", &[]),
        backend("additive", &[("n", 3)]),
        backend("additive", &[("n", 5)]),
    ]
}

fn every_backend() -> Vec<Bound> {
    let mut all = backends();
    all.push(backend("plain", &[]));
    all
}

fn as_ring(value: i64) -> u128 {
    u128::from(value as u64)
}

#[test]
fn products() {
    for bound in every_backend() {
        let mut coins = Coins(1);
        for elem in [RING, Elem::Bits(64), BIT, Elem::Ring(128)] {
            for _ in 0..20 {
                let (x, y) = (mask(coins.wide(), elem), mask(coins.wide(), elem));
                let z = apply(
                    &bound,
                    Want::Mul(elem),
                    &[(elem, x), (elem, y)],
                    elem,
                    &mut coins,
                );
                assert_eq!(z, prim(Prim::Mul, &[x, y], &[elem, elem], elem));
            }
        }
    }
}

#[test]
fn a_product_of_rep3_is_one_round_and_two_bilinear_maps() {
    let mul = flat(&backend("rep3", &[]), Want::Mul(RING));
    assert_eq!(cost(&mul), (1, 24));
    let maps = |party| {
        mul.steps
            .iter()
            .filter(|s| {
                s.op == FlatOp::Bilinear
                    && mul.values[s.result as usize]
                        .known_to
                        .contains(Party(party))
            })
            .count()
    };
    assert_eq!([maps(0), maps(1), maps(2)], [2, 2, 2]);
}

#[test]
fn shares_and_reveals() {
    for bound in every_backend() {
        let mut coins = Coins(2);
        let n = bound.computing().parties as u8;
        let mut owners = vec![Owner::Outside];
        owners.extend((0..n).map(Owner::Party));
        for elem in [RING, BIT] {
            for owner in owners.iter().copied() {
                let v = mask(coins.wide(), elem);
                let parts = run(
                    &flat(&bound, Want::Share(elem, owner)),
                    &[vec![v]],
                    &mut coins,
                );
                assert_eq!(open(&bound, elem, &parts), [v]);
                let reveal = flat(&bound, Want::Reveal(elem, owner));
                assert_eq!(run(&reveal, &parts, &mut coins), [[v]]);
                let FlatOperand::Clear(id) = reveal.results[0] else {
                    panic!("a reveal has a clear result")
                };
                let receiver = match owner {
                    Owner::Party(i) => Party(i),
                    _ => Party(reveal.outsider.unwrap()),
                };
                let known = reveal.values[id as usize].known_to;
                assert_eq!(known, PartySet::from_iter([receiver]));
            }
            let v = mask(coins.wide(), elem);
            let parts = deal(&bound, elem, &[v], &mut coins);
            let all = flat(&bound, Want::Reveal(elem, Owner::Computing));
            assert_eq!(run(&all, &parts, &mut coins), [[v]]);
        }
    }
}

fn truncates(bound: &Bound, mode: TruncMode, slack: i128) {
    let mut coins = Coins(3);
    for f in [0u128, 1, 13, 16, 32, 40] {
        for _ in 0..40 {
            let x = signed(coins.wide() >> 66, Elem::Ring(62));
            let shared = deal(bound, RING, &[mask(x as u128, RING)], &mut coins);
            let mut inputs = shared;
            inputs.push(vec![f]);
            let z = run(&flat(bound, Want::Trunc(RING, mode)), &inputs, &mut coins);
            let z = signed(open(bound, RING, &z)[0], RING);
            assert!(
                (z - (x >> f)).abs() <= slack,
                "{} {mode:?}: {x} >> {f} is {z}",
                bound.name()
            );
        }
    }
}

#[test]
fn truncation_is_off_by_one_unit_at_most_or_exact() {
    for bound in every_backend() {
        truncates(&bound, TruncMode::OneUnit, 1);
        truncates(&bound, TruncMode::Exact, 0);
    }
}

#[test]
fn fused_product_and_truncation() {
    for bound in every_backend() {
        let fused = flat(&bound, Want::MulTrunc(RING, TruncMode::OneUnit));
        assert!(cost(&fused).0 <= 2, "{}", bound.name());
        let mut coins = Coins(4);
        for _ in 0..100 {
            let (x, y) = (coins.next() as i64 >> 34, coins.next() as i64 >> 34);
            let mut inputs = deal(&bound, RING, &[as_ring(x)], &mut coins);
            inputs.extend(deal(&bound, RING, &[as_ring(y)], &mut coins));
            inputs.push(vec![16]);
            let z = signed(
                open(&bound, RING, &run(&fused, &inputs, &mut coins))[0],
                RING,
            );
            assert!((z - ((i128::from(x) * i128::from(y)) >> 16)).abs() <= 1);
        }
    }
}

#[test]
fn comparisons_and_conversions() {
    for bound in every_backend() {
        let mut coins = Coins(5);
        for round in 0..30 {
            let x = as_ring(coins.next() as i64 >> (round % 60));
            let y = if round % 3 == 0 {
                x
            } else {
                as_ring(coins.next() as i64)
            };
            let sign = apply(&bound, Want::Msb(RING), &[(RING, x)], BIT, &mut coins);
            assert_eq!(sign, x >> 63, "{}", bound.name());
            let less = apply(
                &bound,
                Want::LessThan(RING),
                &[(RING, x), (RING, y)],
                BIT,
                &mut coins,
            );
            assert_eq!(
                less == 1,
                signed(x, RING) < signed(y, RING),
                "{}",
                bound.name()
            );
            let same = apply(
                &bound,
                Want::Equal(RING),
                &[(RING, x), (RING, y)],
                BIT,
                &mut coins,
            );
            assert_eq!(same == 1, x == y, "{}", bound.name());
            let bits = apply(
                &bound,
                Want::ToBits(RING),
                &[(RING, x)],
                Elem::Bits(64),
                &mut coins,
            );
            assert_eq!(bits, x, "{}", bound.name());
            let bit = x & 1;
            let ring = apply(
                &bound,
                Want::BitToRing(RING),
                &[(BIT, bit)],
                RING,
                &mut coins,
            );
            assert_eq!(ring, bit, "{}", bound.name());
        }
    }
}

#[test]
fn shuffles() {
    for bound in every_backend() {
        let mut coins = Coins(6);
        for elem in [RING, BIT] {
            let shuffle = flat(&bound, Want::Shuffle(elem));
            let rows: Rows = (0..9).map(|i| mask(i * i + 3, elem)).collect();
            let inputs = deal(&bound, elem, &rows, &mut coins);
            let mut out = open(&bound, elem, &run(&shuffle, &inputs, &mut coins));
            assert!(elem == BIT || out != rows);
            out.sort_unstable();
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            assert_eq!(out, sorted);
        }
    }
}

#[test]
fn library_files_have_no_errors() {
    let mut sources = Sources::new();
    let library = Library::standard(&mut sources);
    for info in library.backends() {
        let file = &sources.get(info.file).unwrap().name;
        assert_eq!(*file, format!("std::schemes::{}", info.name));
        let errors = library.check_file(info.file);
        let runs = [
            "aby",
            "additive",
            "astra",
            "fantastic4",
            "gmw",
            "plain",
            "rep3",
            "rep3_malicious",
            "rep3_malicious_ring",
            "securenn",
            "shamir",
            "spdz",
            "spdz2k",
        ]
        .contains(&info.name.as_str());
        for error in &errors {
            let text = &sources.get(error.span.file).unwrap().text;
            let at = text.get(error.span.start as usize..error.span.end as usize);
            assert!(
                !runs && error.code == "U01",
                "{}: {error:?} at {at:?}",
                info.name
            );
        }
        assert_eq!(runs, errors.is_empty(), "{}: {errors:?}", info.name);
    }
}
