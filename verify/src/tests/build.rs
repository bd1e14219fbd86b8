//! Flat protocols by hand.

use crate::problem::{Operand, Problem, Spec};
use smpc_ir::field::Prime;
use smpc_ir::flat::{
    Call, Computing, Flat, FlatInfo, FlatOp, FlatOperand, FlatStep, Kind, Sharing,
};
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};
use std::sync::Arc;

pub(super) const R: Elem = Elem::Ring(64);

pub(super) fn set(parties: &[u8]) -> PartySet {
    parties.iter().map(|p| Party(*p)).collect()
}

/// What leaves a sum as it is: one summand more, the first less.
fn summands(n: u8) -> Vec<Vec<i128>> {
    let vector = |at: u8| (0..n).map(move |i| i128::from(i == at) - i128::from(i == 0));
    (1..n).map(|at| vector(at).collect()).collect()
}

/// Three parties, P[i] holds x[i] and x[i+1].
pub(super) fn rep3() -> Sharing {
    Sharing {
        elem: R,
        holders: (0..3).map(|i| set(&[i, (i + 2) % 3])).collect(),
        constant: vec![1, 0, 0],
        reconstruction: vec![1; 3],
        masks: summands(3),
        keyed: vec![],
    }
}

/// P[i] holds x[i].
pub(super) fn additive(n: u8) -> Sharing {
    Sharing {
        elem: R,
        holders: (0..n).map(|i| set(&[i])).collect(),
        constant: (0..n).map(|i| i128::from(i == 0)).collect(),
        reconstruction: vec![1; usize::from(n)],
        masks: summands(n),
        keyed: vec![],
    }
}

/// Shares of a polynomial of degree 1 over F_5: P[i] holds its value at i + 1.
pub(super) fn line() -> Sharing {
    Sharing {
        elem: field(5),
        holders: (0..3).map(|i| set(&[i])).collect(),
        constant: vec![1; 3],
        reconstruction: vec![2, -1, 0],
        masks: vec![vec![1, 2, 3]],
        keyed: vec![],
    }
}

pub(super) fn field(p: u128) -> Elem {
    Elem::Field(Prime::new(p).unwrap())
}

pub(super) struct Build {
    pub elem: Elem,
    flat: Flat,
    computing: Computing,
    params: Vec<Operand>,
}

impl Build {
    pub fn new(parties: usize, roles: &[&str], outsider: bool) -> Self {
        let outside = (parties + roles.len()) as u8;
        Self {
            elem: R,
            flat: Flat {
                name: "test".to_owned(),
                outsider: outsider.then_some(outside),
                ..Flat::default()
            },
            computing: Computing {
                parties,
                roles: roles.iter().map(|r| (*r).to_owned()).collect(),
            },
            params: Vec::new(),
        }
    }

    fn value(&mut self, known_to: PartySet) -> u32 {
        self.flat.values.push(FlatInfo {
            elem: self.elem,
            kind: Kind::Element,
            known_to,
            offline: false,
        });
        (self.flat.values.len() - 1) as u32
    }

    fn step(&mut self, op: FlatOp, args: &[u32], known_to: PartySet) -> u32 {
        let result = self.value(known_to);
        self.flat.steps.push(FlatStep {
            op,
            args: args.to_vec(),
            result,
            source: Source::default(),
        });
        result
    }

    /// Where the next step will stand.
    pub fn position(&self) -> u32 {
        self.flat.steps.len() as u32
    }

    /// The steps since then are a call of one sharing with this result.
    pub fn call(&mut self, start: u32, arg: &[u32], result: &[u32], sharing: &Sharing) {
        self.flat.calls.push(Call {
            name: "callee".to_owned(),
            steps: start..self.position(),
            args: vec![FlatOperand::Shared(arg.to_vec())],
            given: vec![Some(sharing.clone())],
            results: vec![FlatOperand::Shared(result.to_vec())],
            sharings: vec![Some(sharing.clone())],
        });
    }

    pub fn shared(&mut self, sharing: &Sharing) -> Vec<u32> {
        let ids: Vec<u32> = sharing.holders.iter().map(|h| self.value(*h)).collect();
        self.flat.params.push(FlatOperand::Shared(ids.clone()));
        self.params.push(Operand::Shared(sharing.clone()));
        ids
    }

    pub fn clear(&mut self, known_to: PartySet) -> u32 {
        let id = self.value(known_to);
        self.flat.params.push(FlatOperand::Clear(id));
        let elem = self.elem;
        self.params.push(Operand::Clear { elem, known_to });
        id
    }

    pub fn known(&self, id: u32) -> PartySet {
        self.flat.values[id as usize].known_to
    }

    pub fn coin(&mut self, parties: &[u8]) -> u32 {
        self.step(FlatOp::Coin(CoinDomain::Uniform), &[], set(parties))
    }

    /// A multiple.
    pub fn times(&mut self, id: u32, by: i128) -> u32 {
        let everyone = PartySet::first(self.computing.parties);
        let by = self.step(FlatOp::Local(Local::Constant(by)), &[], everyone);
        self.prim(Prim::Mul, id, by)
    }

    fn prim(&mut self, prim: Prim, a: u32, b: u32) -> u32 {
        let known = self.known(a).intersection(self.known(b));
        self.step(FlatOp::Local(Local::Prim(prim)), &[a, b], known)
    }

    /// Bits one place further down.
    pub fn shifted(&mut self, id: u32) -> u32 {
        let down = Prim::BitSlice { start: 1, step: 1 };
        let known = self.known(id);
        self.step(FlatOp::Local(Local::Prim(down)), &[id], known)
    }

    pub fn add(&mut self, a: u32, b: u32) -> u32 {
        self.prim(Prim::Add, a, b)
    }

    pub fn sub(&mut self, a: u32, b: u32) -> u32 {
        self.prim(Prim::Sub, a, b)
    }

    pub fn mul(&mut self, a: u32, b: u32) -> u32 {
        self.prim(Prim::Mul, a, b)
    }

    pub fn sum(&mut self, ids: &[u32]) -> u32 {
        ids[1..].iter().fold(ids[0], |sum, id| self.add(sum, *id))
    }

    pub fn send(&mut self, id: u32, from: u8, to: &[u8]) -> u32 {
        let known = self.known(id).union(set(to));
        self.step(FlatOp::Send { from, to: set(to) }, &[id], known)
    }

    pub fn shares(self, ids: &[u32], sharing: &Sharing, spec: Spec) -> Problem {
        let operand = Operand::Shared(sharing.clone());
        self.done(&[(FlatOperand::Shared(ids.to_vec()), operand)], spec)
    }

    pub fn clears(self, id: u32, to: &[u8], spec: Spec) -> Problem {
        let (known_to, elem) = (set(to), self.elem);
        self.done(
            &[(FlatOperand::Clear(id), Operand::Clear { elem, known_to })],
            spec,
        )
    }

    pub fn done(mut self, results: &[(FlatOperand, Operand)], spec: Spec) -> Problem {
        self.flat.results = results.iter().map(|(ids, _)| ids.clone()).collect();
        let flat = Arc::new(self.flat);
        Problem {
            lowered: flat.clone(),
            flat,
            computing: self.computing,
            params: self.params,
            results: results.iter().map(|(_, operand)| operand.clone()).collect(),
            spec,
            corruption: Vec::new(),
            keys: Vec::new(),
            meant: u8::MAX,
            carried: u8::MAX,
            own: usize::MAX,
            narrow: Vec::new(),
            declares: Vec::new(),
            realises: None,
            skipped: None,
            unmade: None,
            decisions: smpc_ir::decisions::Decisions::default(),
            elsewhere: None,
        }
    }
}

/// Araki et al.: with or without the sharing of zero.
pub(super) fn rep3_mul(masked: bool) -> Problem {
    let sharing = rep3();
    let mut b = Build::new(3, &[], false);
    let (x, y) = (b.shared(&sharing), b.shared(&sharing));
    let r: Vec<u32> = (0..3u8).map(|i| b.coin(&[i, (i + 1) % 3])).collect();
    let mut z = Vec::new();
    for i in 0..3 {
        let next = (i + 1) % 3;
        let (p, q, s) = (
            b.mul(x[i], y[i]),
            b.mul(x[i], y[next]),
            b.mul(x[next], y[i]),
        );
        let mut v = b.sum(&[p, q, s]);
        if masked {
            v = b.add(v, r[i]);
            v = b.sub(v, r[(i + 2) % 3]);
        }
        z.push(b.send(v, i as u8, &[(i as u8 + 2) % 3]));
    }
    b.shares(&z, &sharing, Spec::Mul)
}

/// A Beaver product of n parties with a dealer.
pub(super) fn beaver(n: u8) -> Problem {
    let sharing = additive(n);
    let mut b = Build::new(usize::from(n), &["T"], false);
    let (x, y) = (b.shared(&sharing), b.shared(&sharing));
    let triple = deal(&mut b, n);
    let z = multiply(&mut b, &x, &y, &triple);
    b.shares(&z, &sharing, Spec::Mul)
}

pub(super) type Triple = [Vec<u32>; 3];

pub(super) fn deal(b: &mut Build, n: u8) -> Triple {
    let a: Vec<u32> = (0..n).map(|i| b.coin(&[i, n])).collect();
    let c: Vec<u32> = (0..n).map(|i| b.coin(&[i, n])).collect();
    let (sa, sc) = (b.sum(&a), b.sum(&c));
    let product = b.mul(sa, sc);
    let mut shares: Vec<u32> = (1..n).map(|i| b.coin(&[i, n])).collect();
    let rest = b.sum(&shares);
    let first = b.sub(product, rest);
    shares.insert(0, b.send(first, n, &[0]));
    [a, c, shares]
}

pub(super) fn open(b: &mut Build, x: &[u32]) -> u32 {
    let n = x.len() as u8;
    let sent: Vec<u32> = (0..n)
        .map(|i| {
            let others: Vec<u8> = (0..n).filter(|j| *j != i).collect();
            b.send(x[usize::from(i)], i, &others)
        })
        .collect();
    b.sum(&sent)
}

pub(super) fn multiply(b: &mut Build, x: &[u32], y: &[u32], [a, c, ac]: &Triple) -> Vec<u32> {
    let d: Vec<u32> = x.iter().zip(a).map(|(x, a)| b.sub(*x, *a)).collect();
    let e: Vec<u32> = y.iter().zip(c).map(|(y, c)| b.sub(*y, *c)).collect();
    let (d, e) = (open(b, &d), open(b, &e));
    (0..x.len())
        .map(|i| {
            let (p, q) = (b.mul(d, c[i]), b.mul(e, a[i]));
            let mut z = b.sum(&[ac[i], p, q]);
            if i == 0 {
                let de = b.mul(d, e);
                z = b.add(z, de);
            }
            z
        })
        .collect()
}
