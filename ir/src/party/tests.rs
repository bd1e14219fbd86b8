//! Three-party replicated products by hand: the rules, the rounds and the bytes.

mod control;

use super::*;
use crate::local::Prim;

const N: SizeVar = SizeVar(0);
const M: SizeVar = SizeVar(1);
const LOOP: SizeVar = SizeVar(2);

fn name(v: SizeVar) -> String {
    match v {
        N => "n".into(),
        M => "m".into(),
        _ => "i".into(),
    }
}

fn set(parties: &[u8]) -> PartySet {
    parties.iter().map(|p| Party(*p)).collect()
}

struct Build {
    program: Program,
    block: Block,
}

impl Build {
    fn new() -> Self {
        let parties = ["P0", "P1", "P2"].map(String::from).to_vec();
        Self {
            program: Program {
                parties,
                inputs: vec![Input {
                    party: 0,
                    file: "x".into(),
                    column: None,
                    ty: Type::Int,
                    text: false,
                    shape: vec![Size::from(N)],
                    source: Source::default(),
                }],
                ..Program::default()
            },
            block: Block::default(),
        }
    }

    fn value(&mut self, elem: Elem, shape: &[Size], known_to: PartySet) -> Value {
        self.program.values.push(ValueInfo {
            elem,
            shape: shape.to_vec(),
            known_to,
            offline: false,
        });
        Value(u32::try_from(self.program.values.len() - 1).unwrap())
    }

    fn step(
        &mut self,
        op: Op,
        args: &[Value],
        elem: Elem,
        shape: &[Size],
        known_to: PartySet,
    ) -> Value {
        let result = self.value(elem, shape, known_to);
        self.block.steps.push(Step {
            op,
            args: args.to_vec(),
            results: vec![result],
            source: Source::default(),
            origin: None,
        });
        result
    }

    fn element_wise(&mut self, f: Prim, a: Value, b: Value, known_to: PartySet) -> Value {
        let info = self.program.values[a.0 as usize].clone();
        self.step(
            Op::Local(Local::Prim(f)),
            &[a, b],
            info.elem,
            &info.shape,
            known_to,
        )
    }

    /// A sharing of unknown contents: component i at P[i-1] and P[i].
    fn sharing(&mut self, elem: Elem, shape: &[Size]) -> [Value; 3] {
        [0u8, 1, 2].map(|i| {
            self.step(
                Op::Coin(CoinDomain::Uniform),
                &[],
                elem,
                shape,
                set(&[i, (i + 2) % 3]),
            )
        })
    }

    /// Araki et al., CCS 2016: one round, one element per party.
    fn product(&mut self, x: [Value; 3], y: [Value; 3]) -> [Value; 3] {
        let ValueInfo { elem, shape, .. } = self.program.values[x[0].0 as usize].clone();
        let masks = [0u8, 1, 2].map(|i| {
            self.step(
                Op::Coin(CoinDomain::Uniform),
                &[],
                elem,
                &shape,
                set(&[i, (i + 1) % 3]),
            )
        });
        [0usize, 1, 2].map(|i| {
            let (next, before, here) = ((i + 1) % 3, (i + 2) % 3, set(&[i as u8]));
            let own = self.element_wise(Prim::Mul, x[i], y[i], here);
            let right = self.element_wise(Prim::Mul, x[i], y[next], here);
            let left = self.element_wise(Prim::Mul, x[next], y[i], here);
            let mut z = self.element_wise(Prim::Add, own, right, here);
            z = self.element_wise(Prim::Add, z, left, here);
            z = self.element_wise(Prim::Add, z, masks[i], here);
            z = self.element_wise(Prim::Sub, z, masks[before], here);
            let (from, to) = (Party(i as u8), set(&[before as u8]));
            self.step(Op::Send { from, to }, &[z], elem, &shape, here.union(to))
        })
    }

    fn finish(mut self) -> Program {
        self.program.body = std::mem::take(&mut self.block);
        self.program
    }
}

fn formulas(program: &Program) -> (String, Vec<String>) {
    let cost = cost(validate(program).unwrap());
    (
        cost.rounds.display(&name),
        cost.bytes.iter().map(|b| b.display(&name)).collect(),
    )
}

fn rule(program: &Program) -> &'static str {
    validate(program).expect_err("the program is invalid").rule
}

#[test]
fn one_product_is_one_round_and_one_element_per_party() {
    let mut b = Build::new();
    let shape = [Size::from(N), Size::from(M)];
    let x = b.sharing(Elem::Ring(64), &shape);
    b.product(x, x);
    assert_eq!(formulas(&b.finish()), ("1".into(), vec!["8·n·m".into(); 3]));
}

#[test]
fn independent_products_share_a_round_and_a_chain_does_not() {
    let mut b = Build::new();
    let x = b.sharing(Elem::Ring(64), &[Size::from(N)]);
    let y = b.product(x, x);
    b.product(x, x);
    b.product(y, x);
    assert_eq!(formulas(&b.finish()), ("2".into(), vec!["24·n".into(); 3]));
}

#[test]
fn bits_are_packed_on_the_wire() {
    let mut b = Build::new();
    let x = b.sharing(Elem::Bits(1), &[Size::from(N)]);
    b.product(x, x);
    assert_eq!(formulas(&b.finish()), ("1".into(), vec!["⌈n/8⌉".into(); 3]));
}

#[test]
fn a_loop_multiplies_and_keeps_the_text() {
    let mut b = Build::new();
    let shape = [Size::from(N)];
    let x = b.sharing(Elem::Ring(64), &shape);
    let outer = std::mem::take(&mut b.block);
    let params = [0u8, 1, 2].map(|i| b.value(Elem::Ring(64), &shape, set(&[i, (i + 2) % 3])));
    let next = b.product(params, params);
    let mut body = std::mem::replace(&mut b.block, outer);
    (body.params, body.results) = (params.to_vec(), next.to_vec());
    let last = [0u8, 1, 2].map(|i| b.value(Elem::Ring(64), &shape, set(&[i, (i + 2) % 3])));
    let op = Op::For {
        var: LOOP,
        count: Size::from(M),
        body,
    };
    b.block.steps.push(Step {
        op,
        args: x.to_vec(),
        results: last.to_vec(),
        source: Source::default(),
        origin: None,
    });
    b.product(last, last);
    assert_eq!(
        formulas(&b.finish()),
        ("m + 1".into(), vec!["8·n·m + 8·n".into(); 3])
    );
}

#[test]
fn a_send_to_one_who_knows_costs_nothing() {
    let mut b = Build::new();
    let v = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[],
        set(&[0, 1]),
    );
    b.step(
        Op::Send {
            from: Party(0),
            to: set(&[1]),
        },
        &[v],
        Elem::Ring(64),
        &[],
        set(&[0, 1]),
    );
    assert_eq!(formulas(&b.finish()), ("0".into(), vec!["0".into(); 3]));
}

fn effect(b: &mut Build, op: Op, args: &[Value]) {
    b.block.steps.push(Step {
        op,
        args: args.to_vec(),
        results: vec![],
        source: Source::default(),
        origin: None,
    });
}

#[test]
fn a_barrier_keeps_rounds_apart() {
    let mut b = Build::new();
    let x = b.sharing(Elem::Ring(64), &[Size::from(N)]);
    b.product(x, x);
    effect(&mut b, Op::Barrier, &[]);
    b.product(x, x);
    assert_eq!(formulas(&b.finish()), ("2".into(), vec!["16·n".into(); 3]));
}

#[test]
fn what_was_compared_comes_after_both_messages() {
    let mut b = Build::new();
    let (ring, digest, two) = (Elem::Ring(64), Elem::Bits(128), [Size::from(2)]);
    let v = b.step(Op::Coin(CoinDomain::Uniform), &[], ring, &[], set(&[0, 1]));
    let send = |from: u8, to: u8| Op::Send {
        from: Party(from),
        to: set(&[to]),
    };
    let got = b.step(send(0, 2), &[v], ring, &[], set(&[0, 1, 2]));
    // The digest takes a way of two rounds.
    let hash = |b: &mut Build, of, at: &[u8]| {
        b.step(Op::Local(Local::Digest), &[of], digest, &two, set(at))
    };
    let told = hash(&mut b, v, &[1]);
    let told = b.step(send(1, 0), &[told], digest, &two, set(&[0, 1]));
    let told = b.step(send(0, 2), &[told], digest, &two, set(&[0, 1, 2]));
    let own = hash(&mut b, got, &[2]);
    let at = set(&[2]);
    let checked = b.step(
        Op::Check { at },
        &[got, own, told],
        ring,
        &[],
        set(&[0, 1, 2]),
    );
    b.step(send(2, 1), &[checked], ring, &[], set(&[0, 1, 2]));
    let last = b.step(Op::Coin(CoinDomain::Uniform), &[], ring, &[], set(&[2]));
    let sum = b.element_wise(Prim::Add, checked, last, set(&[2]));
    b.step(send(2, 0), &[sum], ring, &[], set(&[0, 2]));
    let bytes = ["40", "32", "8"].map(String::from).to_vec();
    assert_eq!(formulas(&b.finish()), ("3".into(), bytes));
}

#[test]
fn who_checks_knows_what_is_compared() {
    let ring = Elem::Ring(64);
    let mut b = Build::new();
    let v = b.step(Op::Coin(CoinDomain::Uniform), &[], ring, &[], set(&[0, 1]));
    let w = b.step(Op::Coin(CoinDomain::Uniform), &[], ring, &[], set(&[0]));
    effect(&mut b, Op::Check { at: set(&[0]) }, &[v, w]);
    effect(&mut b, Op::Check { at: set(&[0, 1]) }, &[v, w]);
    assert_eq!(rule(&b.finish()), "who checks knows what is compared");
    let mut b = Build::new();
    let v = b.step(Op::Coin(CoinDomain::Uniform), &[], ring, &[], set(&[0, 1]));
    b.step(
        Op::Check { at: set(&[0]) },
        &[v, v, v],
        ring,
        &[],
        set(&[1]),
    );
    assert_eq!(rule(&b.finish()), "who checks is handed what was checked");
}

#[test]
fn offline_messages_have_no_depth_and_an_account_of_their_own() {
    let mut b = Build::new();
    let v = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[Size::from(N)],
        set(&[2]),
    );
    let w = b.step(
        Op::Send {
            from: Party(2),
            to: set(&[0]),
        },
        &[v],
        Elem::Ring(64),
        &[Size::from(N)],
        set(&[0, 2]),
    );
    let x = b.step(
        Op::Input(0),
        &[],
        Elem::Ring(64),
        &[Size::from(N)],
        set(&[0]),
    );
    let z = b.element_wise(Prim::Sub, x, w, set(&[0]));
    b.step(
        Op::Send {
            from: Party(0),
            to: set(&[1]),
        },
        &[z],
        Elem::Ring(64),
        &[Size::from(N)],
        set(&[0, 1]),
    );
    for value in [v, w] {
        b.program.values[value.0 as usize].offline = true;
    }
    let program = b.finish();
    let cost = cost(validate(&program).unwrap());
    assert_eq!(cost.rounds, Size::one());
    assert_eq!(cost.offline_bytes[2].display(&name), "8·n");
    assert_eq!(cost.bytes[0].display(&name), "8·n");
}

#[test]
fn knowledge_grows_by_messages_only() {
    let mut b = Build::new();
    let x = b.sharing(Elem::Ring(64), &[]);
    b.element_wise(Prim::Mul, x[0], x[1], set(&[0, 1]));
    assert_eq!(
        rule(&b.finish()),
        "a result is known only to parties that know every argument"
    );

    let mut b = Build::new();
    let v = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[],
        set(&[0]),
    );
    b.step(
        Op::Send {
            from: Party(1),
            to: set(&[2]),
        },
        &[v],
        Elem::Ring(64),
        &[],
        set(&[0, 2]),
    );
    assert_eq!(rule(&b.finish()), "a sender knows what it sends");

    let mut b = Build::new();
    let v = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[],
        set(&[0]),
    );
    b.step(
        Op::Send {
            from: Party(0),
            to: set(&[1]),
        },
        &[v],
        Elem::Ring(64),
        &[],
        set(&[0, 1, 2]),
    );
    assert_eq!(rule(&b.finish()), "a message reaches its receivers only");
}

#[test]
fn types_shapes_and_definitions_are_checked() {
    let mut b = Build::new();
    let v = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[Size::from(N)],
        set(&[0]),
    );
    let w = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[Size::from(M)],
        set(&[0]),
    );
    b.element_wise(Prim::Add, v, w, set(&[0]));
    assert_eq!(
        rule(&b.finish()),
        "element-wise shapes agree, or are broadcast"
    );

    let mut b = Build::new();
    let v = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[],
        set(&[0]),
    );
    let w = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Bits(64),
        &[],
        set(&[0]),
    );
    b.element_wise(Prim::Add, v, w, set(&[0]));
    assert_eq!(rule(&b.finish()), "an operation's arguments have its types");

    let mut b = Build::new();
    b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[],
        set(&[0]),
    );
    let copy = b.block.steps[0].clone();
    b.block.steps.push(copy);
    assert_eq!(rule(&b.finish()), "a value is defined once");

    let mut b = Build::new();
    let late = b.value(Elem::Ring(64), &[], set(&[0]));
    b.element_wise(Prim::Neg, late, late, set(&[0]));
    assert_eq!(rule(&b.finish()), "a value is defined before it is used");
}

#[test]
fn what_is_sent_together_is_one_message() {
    let mut b = Build::new();
    let x = b.sharing(Elem::Ring(64), &[]);
    b.product(x, x);
    b.product(x, x);
    let program = b.finish();
    let cost = cost(validate(&program).unwrap());
    assert_eq!(cost.messages, vec![Size::one(); 3]);
    assert_eq!(cost.bytes, vec![Size::from(16); 3]);
}

/// A body that squares a sharing of the given shape, for loops and trees.
fn squaring(b: &mut Build, shape: &[Size], sides: usize) -> Block {
    let outer = std::mem::take(&mut b.block);
    let holders = [0u8, 1, 2].map(|i| set(&[i, (i + 2) % 3]));
    let params: Vec<[Value; 3]> = (0..sides)
        .map(|_| holders.map(|who| b.value(Elem::Ring(64), shape, who)))
        .collect();
    let next = b.product(params[0], params[sides - 1]);
    let mut body = std::mem::replace(&mut b.block, outer);
    body.params = params.concat();
    body.results = next.to_vec();
    body
}

fn control(b: &mut Build, op: Op, args: &[Value], shape: &[Size]) -> [Value; 3] {
    let results = [0u8, 1, 2].map(|i| b.value(Elem::Ring(64), shape, set(&[i, (i + 2) % 3])));
    b.block.steps.push(Step {
        op,
        args: args.to_vec(),
        results: results.to_vec(),
        source: Source::default(),
        origin: None,
    });
    results
}

#[test]
fn control_is_known_to_every_party() {
    let mut b = Build::new();
    let index = b.step(
        Op::Local(Local::Constant(1)),
        &[],
        Elem::Ring(64),
        &[],
        set(&[0, 1]),
    );
    b.block.steps.push(Step {
        op: Op::Switch {
            arms: vec![Block::default()],
        },
        args: vec![index],
        results: vec![],
        source: Source::default(),
        origin: None,
    });
    assert_eq!(
        rule(&b.finish()),
        "a switch is on an integer known to every party"
    );

    let mut b = Build::new();
    let x = b.sharing(Elem::Ring(64), &[Size::from(N)]);
    let body = squaring(&mut b, &[Size::from(LOOP)], 2);
    control(
        &mut b,
        Op::Reduce { half: LOOP, body },
        &x,
        &[Size::from(N)],
    );
    assert_eq!(
        rule(&b.finish()),
        "a reduction drops the rows, a scan keeps them"
    );
}

#[test]
fn what_a_block_defines_ends_with_it() {
    let mut b = Build::new();
    let shape = [Size::from(N)];
    let x = b.sharing(Elem::Ring(64), &shape);
    let body = squaring(&mut b, &shape, 1);
    let inside = body.results[0];
    let count = Size::from(M);
    control(
        &mut b,
        Op::For {
            var: LOOP,
            count,
            body,
        },
        &x,
        &shape,
    );
    b.element_wise(Prim::Add, inside, inside, set(&[0]));
    assert_eq!(rule(&b.finish()), "a value is defined before it is used");
}

#[test]
fn a_hundred_thousand_steps_are_checked_in_linear_time() {
    let mut b = Build::new();
    let x = b.sharing(Elem::Ring(64), &[]);
    let mut y = x;
    for _ in 0..5000 {
        y = b.product(y, x);
    }
    let program = b.finish();
    assert!(program.body.steps.len() > 100_000);
    let cost = cost(validate(&program).unwrap());
    assert_eq!(cost.rounds, Size::from(5000));
}

#[test]
fn a_guard_makes_sizes_equal() {
    let mut b = Build::new();
    let v = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[Size::from(N)],
        set(&[0]),
    );
    let w = b.step(
        Op::Coin(CoinDomain::Uniform),
        &[],
        Elem::Ring(64),
        &[Size::from(M)],
        set(&[0]),
    );
    b.element_wise(Prim::Add, v, w, set(&[0]));
    b.program.guards.push(crate::share::Guard {
        left: Size::from(N),
        right: Size::from(M),
        source: Source::default(),
    });
    validate(&b.finish()).unwrap();
}
