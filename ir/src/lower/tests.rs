//! Lowering, on small programs by hand, for a backend of one party whose protocols are named by
//! their steps: what is looked at is which protocols are asked for, in which order, and where.

mod comparisons;

use super::*;
use crate::SizeVar;
use crate::flat::{
    Computing, Flat, FlatInfo, FlatOp, FlatOperand, FlatStep, Kind, TruncMode, Want,
};
use crate::local::Prim;
use crate::party::{Op as PartyOp, validate};
use crate::share::{Block, Input, Program as Script, SizeInfo, SizeOrigin, ValueInfo};
use std::cell::RefCell;
use std::sync::Arc;

const K: Elem = Elem::Ring(64);

/// One party that holds everything in one component.
struct Alone {
    computing: Computing,
    fused: bool,
    /// Products are checked before anything gets out.
    deferred: bool,
    asked: RefCell<Vec<Want>>,
}

impl Alone {
    fn new(fused: bool) -> Self {
        Self {
            computing: Computing {
                parties: 1,
                roles: vec![],
            },
            fused,
            deferred: false,
            asked: RefCell::new(vec![]),
        }
    }
}

fn flat(params: &[(Elem, Kind)], steps: &[(FlatOp, &[u32], Elem, Kind)]) -> Arc<Flat> {
    let me = PartySet::first(1);
    let info = |elem, kind| FlatInfo {
        elem,
        kind,
        known_to: me,
        offline: false,
    };
    let mut flat = Flat {
        name: "test".into(),
        ..Flat::default()
    };
    for (i, (elem, kind)) in params.iter().enumerate() {
        flat.values.push(info(*elem, *kind));
        flat.params.push(if *kind == Kind::Scalar {
            FlatOperand::Clear(i as u32)
        } else {
            FlatOperand::Shared(vec![i as u32])
        });
    }
    for (op, args, elem, kind) in steps {
        let result = flat.values.len() as u32;
        flat.values.push(info(*elem, *kind));
        flat.steps.push(FlatStep {
            op: op.clone(),
            args: args.to_vec(),
            result,
            source: Source::default(),
        });
    }
    flat.results = vec![FlatOperand::Shared(vec![flat.values.len() as u32 - 1])];
    Arc::new(flat)
}

impl Protocols for Alone {
    fn computing(&self) -> &Computing {
        &self.computing
    }
    fn ring_bits(&self) -> u8 {
        64
    }
    fn trunc_mode(&self) -> TruncMode {
        TruncMode::OneUnit
    }
    fn sharing(&self, elem: Elem) -> Result<Sharing, Missing> {
        Ok(Sharing {
            elem,
            holders: vec![PartySet::first(1)],
            constant: vec![1],
            reconstruction: vec![1],
            keyed: vec![],
            masks: vec![],
        })
    }
    fn protocol(&self, want: Want) -> Result<Arc<Flat>, Missing> {
        let local = |p: Prim| FlatOp::Local(Local::Prim(p));
        let bit = Elem::Bits(1);
        let found = match want {
            Want::Mul(e) if self.deferred => {
                let pair = [(e, Kind::Left), (e, Kind::Right)];
                let product = [(FlatOp::Bilinear, &[0, 1][..], e, Kind::Product)];
                let mut one = (*flat(&pair, &product)).clone();
                let all = [pair[0], pair[1], (e, Kind::Product)];
                let assert = FlatOp::Assert {
                    at: PartySet::first(1),
                };
                let body = flat(&all, &[(assert, &[2, 2], bit, Kind::Scalar)]);
                let mut body = (*body).clone();
                body.results.clear();
                one.deferred = vec![crate::flat::Deferred {
                    body: Arc::new(body),
                    bilinear: true,
                    args: (0..3).map(|id| FlatOperand::Shared(vec![id])).collect(),
                }];
                Arc::new(one)
            }
            Want::Mul(e) => flat(
                &[(e, Kind::Left), (e, Kind::Right)],
                &[(FlatOp::Bilinear, &[0, 1], e, Kind::Product)],
            ),
            Want::MulTrunc(e, _) if self.fused => flat(
                &[
                    (e, Kind::Left),
                    (e, Kind::Right),
                    (Elem::Ring(64), Kind::Scalar),
                ],
                &[
                    (FlatOp::Bilinear, &[0, 1], e, Kind::Product),
                    (local(Prim::Shr), &[3, 2], e, Kind::Product),
                ],
            ),
            Want::Trunc(e, _) => flat(
                &[(e, Kind::Element), (Elem::Ring(64), Kind::Scalar)],
                &[(local(Prim::Shr), &[0, 1], e, Kind::Element)],
            ),
            Want::LessThan(e) => flat(
                &[(e, Kind::Element), (e, Kind::Element)],
                &[(local(Prim::Lt), &[0, 1], bit, Kind::Element)],
            ),
            Want::Msb(e) => flat(
                &[(e, Kind::Element)],
                &[
                    (local(Prim::Cast), &[0], Elem::Bits(64), Kind::Element),
                    (
                        local(Prim::BitSlice { start: 63, step: 1 }),
                        &[1],
                        bit,
                        Kind::Element,
                    ),
                ],
            ),
            Want::BitToRing(e) => flat(
                &[(bit, Kind::Element)],
                &[(local(Prim::Cast), &[0], e, Kind::Element)],
            ),
            Want::Share(e, _) | Want::Reveal(e, _) => {
                let mut one = (*flat(
                    &[(e, Kind::Element)],
                    &[(
                        FlatOp::Send {
                            from: 0,
                            to: PartySet::EMPTY,
                        },
                        &[0],
                        e,
                        Kind::Element,
                    )],
                ))
                .clone();
                if let Want::Share(..) = want {
                    one.params = vec![FlatOperand::Clear(0)];
                    one.outsider = Some(1);
                    one.values[0].known_to = [Party(1)].into_iter().collect();
                    one.steps[0].op = FlatOp::Send {
                        from: 1,
                        to: PartySet::first(1),
                    };
                } else {
                    one.results = vec![FlatOperand::Clear(1)];
                }
                Arc::new(one)
            }
            _ => return Err(Missing(format!("{want:?}"))),
        };
        self.asked.borrow_mut().push(want);
        Ok(found)
    }
}

const N: SizeVar = SizeVar(0);

/// Builds scripts over vectors `[n]` of `fix`.
struct Build {
    script: Script,
    open: Vec<Vec<Step>>,
}

impl Build {
    fn new() -> Self {
        let size = |name: &str, origin| SizeInfo {
            name: name.into(),
            origin,
            source: Source::default(),
        };
        Self {
            script: Script {
                parties: vec!["owner".into()],
                sizes: vec![
                    size("n", SizeOrigin::Input { input: 0, axis: 0 }),
                    size("i", SizeOrigin::Loop),
                ],
                inputs: vec![Input {
                    party: 0,
                    file: "x".into(),
                    column: None,
                    ty: Type::Fix(16),
                    text: false,
                    shape: vec![Size::from(N)],
                    source: Source::default(),
                }],
                ..Script::default()
            },
            open: vec![vec![]],
        }
    }

    fn value(&mut self, ty: Type, shape: &[Size], label: Label) -> Value {
        self.script.values.push(ValueInfo {
            ty,
            shape: shape.to_vec(),
            label,
            source: Source::default(),
            library: false,
        });
        Value(self.script.values.len() as u32 - 1)
    }

    fn step(&mut self, op: Op, args: &[Value], results: &[Value]) {
        self.open.last_mut().unwrap().push(Step {
            op,
            args: args.to_vec(),
            results: results.to_vec(),
            source: Source::default(),
        });
    }

    fn one(&mut self, op: Op, args: &[Value], ty: Type, shape: &[Size], label: Label) -> Value {
        let result = self.value(ty, shape, label);
        self.step(op, args, &[result]);
        result
    }

    fn secret_input(&mut self) -> Value {
        let owned = Label::Owned(PartySet::first(1));
        let shape = [Size::from(N)];
        let x = self.one(Op::Input(0), &[], Type::Fix(16), &shape, owned);
        self.one(Op::Share, &[x], Type::Fix(16), &shape, Label::Secret)
    }

    fn prim(&mut self, prim: Prim, args: &[Value], ty: Type, shape: &[Size]) -> Value {
        self.one(Op::Local(Local::Prim(prim)), args, ty, shape, Label::Secret)
    }

    fn public(&mut self, literal: i128, ty: Type) -> Value {
        self.one(
            Op::Local(Local::Constant(literal)),
            &[],
            ty,
            &[],
            Label::Public,
        )
    }

    fn show(&mut self, value: Value) {
        let info = self.script.values[value.0 as usize].clone();
        let clear = self.one(
            Op::Reveal(Audience::All),
            &[value],
            info.ty,
            &info.shape,
            Label::Public,
        );
        let op = Op::Output {
            name: "out".into(),
            field: None,
            label: String::new(),
            to: Audience::All,
        };
        self.step(op, &[clear], &[]);
    }

    fn lower(mut self, backend: &Alone) -> Program {
        self.script.body = Block {
            steps: self.open.pop().unwrap(),
            ..Block::default()
        };
        let lowered = lower(&self.script, backend, Options::default()).unwrap();
        validate(&lowered).unwrap();
        lowered
    }
}

fn asked(backend: &Alone, wanted: fn(&Want) -> bool) -> usize {
    backend.asked.borrow().iter().filter(|w| wanted(w)).count()
}

#[test]
fn a_product_is_truncated_once_and_fused_where_the_scheme_can() {
    for fused in [true, false] {
        let backend = Alone::new(fused);
        let mut b = Build::new();
        let x = b.secret_input();
        let shape = [Size::from(N)];
        let y = b.prim(Prim::Mul, &[x, x], Type::Fix(16), &shape);
        let z = b.prim(Prim::Add, &[y, x], Type::Fix(16), &shape);
        let z = b.prim(Prim::Sub, &[z, y], Type::Fix(16), &shape);
        b.show(z);
        b.lower(&backend);
        let fusions = asked(&backend, |w| matches!(w, Want::MulTrunc(..)));
        let truncations = asked(&backend, |w| matches!(w, Want::Trunc(..)));
        assert_eq!((fusions, truncations), if fused { (1, 0) } else { (0, 1) });
    }
}

#[test]
fn a_sum_of_products_is_one_inner_product() {
    let backend = Alone::new(true);
    let mut b = Build::new();
    let x = b.secret_input();
    let y = b.prim(Prim::Mul, &[x, x], Type::Fix(16), &[Size::from(N)]);
    let sum = Op::Local(Local::Sum { axis: 0 });
    let s = b.one(sum, &[y], Type::Fix(16), &[], Label::Secret);
    b.show(s);
    let program = b.lower(&backend);
    let products: Vec<_> = program
        .body
        .steps
        .iter()
        .filter(|s| matches!(s.op, PartyOp::Local(Local::MatMul)))
        .collect();
    assert_eq!(products.len(), 1);
    let shape = &program.values[products[0].results[0].0 as usize].shape;
    assert_eq!(shape, &[Size::one(), Size::one()]);
}

#[test]
fn a_comparison_takes_products_untruncated() {
    let backend = Alone::new(true);
    let mut b = Build::new();
    let x = b.secret_input();
    let shape = [Size::from(N)];
    let y = b.prim(Prim::Mul, &[x, x], Type::Fix(16), &shape);
    let one = b.public(1 << 64, Type::Fix(16));
    let c = b.prim(Prim::Lt, &[y, one], Type::Bits(1), &shape);
    b.show(c);
    b.lower(&backend);
    assert_eq!(
        asked(&backend, |w| matches!(
            w,
            Want::MulTrunc(..) | Want::Trunc(..)
        )),
        0
    );
    assert_eq!(asked(&backend, |w| matches!(w, Want::Mul(..))), 1);
}

#[test]
fn a_public_factor_brings_its_own_fraction_bits() {
    let backend = Alone::new(true);
    let mut b = Build::new();
    let x = b.secret_input();
    let small = b.one(Op::Param(0), &[], Type::Fix(16), &[], Label::Public);
    b.script.params.push(crate::share::Param {
        name: "rate".into(),
        ty: Type::Fix(16),
        default: None,
        source: Source::default(),
    });
    let y = b.prim(Prim::Mul, &[small, x], Type::Fix(16), &[Size::from(N)]);
    b.show(y);
    let program = b.lower(&backend);
    let has = |wanted: fn(&PartyOp) -> bool| program.body.steps.iter().any(|s| wanted(&s.op));
    assert!(has(|op| matches!(op, PartyOp::FractionBits)));
    assert!(has(|op| matches!(
        op,
        PartyOp::Local(Local::Prim(Prim::Encode))
    )));
    let truncations = asked(&backend, |w| matches!(w, Want::Trunc(..)));
    assert_eq!(
        truncations, 3,
        "looked up, then used for the head and the tail"
    );
}

#[test]
fn a_product_read_in_a_loop_is_computed_before_it() {
    let backend = Alone::new(true);
    let mut b = Build::new();
    let x = b.secret_input();
    let shape = [Size::from(N)];
    let y = b.prim(Prim::Mul, &[x, x], Type::Fix(16), &shape);
    let param = b.value(Type::Fix(16), &shape, Label::Secret);
    b.open.push(vec![]);
    let next = b.prim(Prim::Add, &[param, y], Type::Fix(16), &shape);
    let body = Block {
        params: vec![param],
        steps: b.open.pop().unwrap(),
        results: vec![next],
    };
    let last = b.value(Type::Fix(16), &shape, Label::Secret);
    let op = Op::For {
        var: SizeVar(1),
        count: Size::from(5),
        body,
    };
    b.step(op, &[x], &[last]);
    b.show(last);
    let program = b.lower(&backend);
    let body = program
        .body
        .steps
        .iter()
        .find_map(|s| match &s.op {
            PartyOp::For { body, .. } => Some(body),
            _ => None,
        })
        .unwrap();
    assert_eq!(body.steps.len(), 1, "one addition: {body:?}");
}

#[test]
fn what_the_scheme_lacks_is_reported_with_every_place() {
    let backend = Alone::new(true);
    let mut b = Build::new();
    let x = b.secret_input();
    let shape = [Size::from(N)];
    let e = b.prim(Prim::Eq, &[x, x], Type::Bits(1), &shape);
    b.show(e);
    b.script.body.steps = b.open.pop().unwrap();
    let errors = lower(&b.script, &backend, Options::default()).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].code, NO_PROTOCOL);
    assert_eq!(errors[0].message, format!("{:?}", Want::Equal(K)));
}

#[test]
fn a_literal_power_of_two_is_one_short_truncation() {
    let backend = Alone::new(true);
    let mut b = Build::new();
    let x = b.secret_input();
    let half = b.public(1 << 63, Type::Fix(16));
    let y = b.prim(Prim::Mul, &[half, x], Type::Fix(16), &[Size::from(N)]);
    let two = b.public(2 << 64, Type::Fix(16));
    let z = b.prim(Prim::Mul, &[two, y], Type::Fix(16), &[Size::from(N)]);
    b.show(z);
    let program = b.lower(&backend);
    assert_eq!(
        asked(&backend, |w| matches!(w, Want::Trunc(..))),
        1,
        "2.0 needs none"
    );
    let one = |s: &crate::party::Step| s.op == PartyOp::Local(Local::Constant(1));
    assert!(program.body.steps.iter().any(one), "truncated by one bit");
}

#[test]
fn a_converted_bit_takes_a_public_factor_without_truncation() {
    for bits in [true, false] {
        let backend = Alone::new(true);
        let mut b = Build::new();
        let x = b.secret_input();
        let shape = [Size::from(N)];
        let zero = b.public(5 << 60, Type::Fix(16));
        let c = b.prim(Prim::Lt, &[x, zero], Type::Bits(1), &shape);
        let mut count = b.prim(Prim::Cast, &[c], Type::Int, &shape);
        if !bits {
            // Sixteen times as much is no small integer any more.
            let many = b.public(16, Type::Int);
            count = b.prim(Prim::Mul, &[count, many], Type::Int, &shape);
        }
        let tenth = b.public((1 << 64) / 10, Type::Fix(16));
        let y = b.prim(Prim::Mul, &[tenth, count], Type::Fix(16), &shape);
        b.show(y);
        b.lower(&backend);
        let truncations = asked(&backend, |w| matches!(w, Want::Trunc(..)));
        assert_eq!(truncations == 0, bits);
    }
}

/// Positions of the steps that are such.
fn positions(program: &Program, wanted: fn(&PartyOp) -> bool) -> Vec<usize> {
    let steps = program.body.steps.iter().enumerate();
    steps
        .filter(|(_, s)| wanted(&s.op))
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn deferred_calls_share_one_settlement_before_anything_gets_out() {
    let backend = Alone {
        deferred: true,
        ..Alone::new(false)
    };
    let mut b = Build::new();
    let x = b.secret_input();
    let shape = [Size::from(N)];
    let y = b.prim(Prim::Mul, &[x, x], Type::Fix(16), &shape);
    let z = b.prim(Prim::Mul, &[y, x], Type::Fix(16), &shape);
    b.show(z);
    b.show(y);
    let program = b.lower(&backend);
    let checks = positions(&program, |op| matches!(op, PartyOp::Check { .. }));
    let barriers = positions(&program, |op| matches!(op, PartyOp::Barrier));
    let outputs = positions(&program, |op| matches!(op, PartyOp::Output { .. }));
    assert_eq!((checks.len(), barriers.len(), outputs.len()), (2, 1, 2));
    assert!(checks[1] < barriers[0] && barriers[0] < outputs[0]);
}
