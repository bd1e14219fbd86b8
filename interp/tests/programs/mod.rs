//! Party programs by hand: three-party replicated sharing over the integers modulo 2^64, component
//! i at parties i and i - 1.

#![allow(dead_code)] // Each test file uses a part.

use smpc_interp::{Outcome, Setup, simulate};
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{
    Block, CoinDomain, Elem, Op, Party, PartySet, Program, Step, Value, ValueInfo, cost, validate,
};
use smpc_ir::share::{Input, SizeInfo, SizeOrigin, Type};
use smpc_ir::{Size, SizeVar};
use smpc_runtime::Tensor;

pub const RING: Elem = Elem::Ring(64);
/// Sizes of the inputs.
pub const N: SizeVar = SizeVar(0);
pub const M: SizeVar = SizeVar(1);
/// Bound by control operations; each binds its own.
pub const INNER: [SizeVar; 3] = [SizeVar(2), SizeVar(3), SizeVar(4)];

pub type Sharing = [Value; 3];

pub fn set(parties: &[u8]) -> PartySet {
    parties.iter().map(|p| Party(*p)).collect()
}

pub fn everyone() -> PartySet {
    set(&[0, 1, 2])
}

/// Who holds component i.
pub fn holders(i: usize) -> PartySet {
    let i = i as u8;
    set(&[i, (i + 2) % 3])
}

pub struct Build {
    pub program: Program,
    pub block: Block,
}

impl Build {
    pub fn new() -> Self {
        let size = |name: &str, origin| SizeInfo {
            name: name.into(),
            origin,
            source: Source::default(),
        };
        let input = |axis| SizeOrigin::Input { input: 0, axis };
        Self {
            program: Program {
                parties: ["P0", "P1", "P2"].map(String::from).to_vec(),
                sizes: vec![
                    size("n", input(0)),
                    size("m", input(1)),
                    size("i", SizeOrigin::Loop),
                    size("j", SizeOrigin::Loop),
                    size("k", SizeOrigin::Loop),
                ],
                ..Program::default()
            },
            block: Block::default(),
        }
    }

    pub fn value(&mut self, elem: Elem, shape: &[Size], known_to: PartySet) -> Value {
        self.program.values.push(ValueInfo {
            elem,
            shape: shape.to_vec(),
            known_to,
            offline: false,
        });
        Value(u32::try_from(self.program.values.len() - 1).unwrap())
    }

    pub fn info(&self, value: Value) -> &ValueInfo {
        &self.program.values[value.0 as usize]
    }

    pub fn push(&mut self, op: Op, args: &[Value], results: &[Value]) {
        let at = self.program.values.len() as u32;
        self.block.steps.push(Step {
            op,
            args: args.to_vec(),
            results: results.to_vec(),
            source: Source {
                file: 0,
                start: at,
                end: at + 1,
                call: 0,
            },
            origin: None,
        });
    }

    pub fn step(
        &mut self,
        op: Op,
        args: &[Value],
        elem: Elem,
        shape: &[Size],
        known_to: PartySet,
    ) -> Value {
        let result = self.value(elem, shape, known_to);
        self.push(op, args, &[result]);
        result
    }

    pub fn prim(&mut self, prim: Prim, args: &[Value], elem: Elem, at: PartySet) -> Value {
        let longest = args.iter().max_by_key(|a| self.info(**a).shape.len());
        let shape = longest.map_or(vec![], |a| self.info(*a).shape.clone());
        self.step(Op::Local(Local::Prim(prim)), args, elem, &shape, at)
    }

    pub fn coin(&mut self, shape: &[Size], at: PartySet) -> Value {
        self.step(Op::Coin(CoinDomain::Uniform), &[], RING, shape, at)
    }

    pub fn constant(&mut self, value: i128, at: PartySet) -> Value {
        self.step(Op::Local(Local::Constant(value)), &[], RING, &[], at)
    }

    pub fn send(&mut self, value: Value, from: u8, to: &[u8]) -> Value {
        let ValueInfo {
            elem,
            shape,
            known_to,
            ..
        } = self.info(value).clone();
        let op = Op::Send {
            from: Party(from),
            to: set(to),
        };
        self.step(op, &[value], elem, &shape, known_to.union(set(to)))
    }

    /// An input of party 0.
    pub fn input(&mut self, shape: &[Size]) -> Value {
        let index = self.program.inputs.len() as u32;
        self.program.inputs.push(Input {
            party: 0,
            file: format!("x{index}"),
            column: None,
            ty: Type::Int,
            text: false,
            shape: shape.to_vec(),
            source: Source::default(),
        });
        self.step(Op::Input(index), &[], RING, shape, set(&[0]))
    }

    /// Party 0 deals what it knows.
    pub fn share(&mut self, x: Value) -> Sharing {
        let shape = self.info(x).shape.clone();
        let (first, second) = (self.coin(&shape, holders(0)), self.coin(&shape, holders(1)));
        let rest = self.prim(Prim::Sub, &[x, first], RING, set(&[0]));
        let rest = self.prim(Prim::Sub, &[rest, second], RING, set(&[0]));
        let third = self.send(rest, 0, &[1, 2]);
        [first, second, third]
    }

    pub fn add(&mut self, x: Sharing, y: Sharing) -> Sharing {
        [0, 1, 2].map(|i| self.prim(Prim::Add, &[x[i], y[i]], RING, holders(i)))
    }

    /// Araki et al., CCS 2016: one round, one element per party.
    pub fn product(&mut self, op: &Local, x: Sharing, y: Sharing, shape: &[Size]) -> Sharing {
        let zero = [0usize, 1, 2].map(|i| {
            let i = i as u8;
            self.coin(shape, set(&[i, (i + 1) % 3]))
        });
        [0usize, 1, 2].map(|i| {
            let (next, before, here) = ((i + 1) % 3, (i + 2) % 3, set(&[i as u8]));
            let mut pair = |a, b| self.step(Op::Local(op.clone()), &[a, b], RING, shape, here);
            let terms = [pair(x[i], y[i]), pair(x[i], y[next]), pair(x[next], y[i])];
            let mut z = self.prim(Prim::Add, &[terms[0], terms[1]], RING, here);
            z = self.prim(Prim::Add, &[z, terms[2]], RING, here);
            z = self.prim(Prim::Add, &[z, zero[i]], RING, here);
            z = self.prim(Prim::Sub, &[z, zero[before]], RING, here);
            self.send(z, i as u8, &[before as u8])
        })
    }

    pub fn mul(&mut self, x: Sharing, y: Sharing) -> Sharing {
        let shape = self.info(x[0]).shape.clone();
        self.product(&Local::Prim(Prim::Mul), x, y, &shape)
    }

    /// To everybody.
    pub fn reveal(&mut self, x: Sharing) -> Value {
        let all = [0usize, 1, 2].map(|i| self.send(x[i], i as u8, &[((i + 1) % 3) as u8]));
        let sum = self.prim(Prim::Add, &[all[0], all[1]], RING, everyone());
        self.prim(Prim::Add, &[sum, all[2]], RING, everyone())
    }

    pub fn output(&mut self, name: &str, value: Value) {
        let op = Op::Output {
            name: name.into(),
            field: None,
            label: String::new(),
            show: Type::Int,
            text: false,
            all: true,
        };
        self.push(op, &[value], &[]);
    }

    pub fn sharing(&mut self, shape: &[Size]) -> Sharing {
        [0, 1, 2].map(|i| self.value(RING, shape, holders(i)))
    }

    /// What `fill` builds, as a block of its own.
    pub fn nested(
        &mut self,
        params: &[Value],
        fill: impl FnOnce(&mut Self) -> Vec<Value>,
    ) -> Block {
        let outer = std::mem::take(&mut self.block);
        let results = fill(self);
        let mut block = std::mem::replace(&mut self.block, outer);
        (block.params, block.results) = (params.to_vec(), results);
        block
    }

    pub fn finish(mut self) -> Program {
        self.program.body = std::mem::take(&mut self.block);
        self.program
    }
}

pub fn n() -> Size {
    Size::from(N)
}

pub fn m() -> Size {
    Size::from(M)
}

pub fn ints(shape: &[usize], values: &[i128]) -> Option<Tensor> {
    Some(Tensor::from_i128s(RING, shape, values).unwrap())
}

/// What every party was handed under a name; they agree.
pub fn answer(outcome: &Outcome, name: &str) -> Vec<i128> {
    let named = || outcome.outputs.iter().filter(|o| o.name == name);
    let first = named()
        .next()
        .expect("somebody has the output")
        .value
        .to_i128s();
    assert!(named().all(|o| o.value.to_i128s() == first));
    first
}

/// Simulates, and holds every count to its formula.
pub fn run(program: &Program, sizes: [i128; 2], inputs: Vec<Option<Tensor>>) -> Outcome {
    let valid = validate(program).unwrap();
    let setup = Setup {
        sizes: sizes.to_vec(),
        inputs,
        seed: Some(7),
        ..Setup::default()
    };
    let outcome = simulate(valid, setup).unwrap();
    let cost = cost(valid);
    let value = |size: &Size| {
        let value = size.evaluate(&|v| match outcome.counts.get(&v) {
            Some(count) => Some(i128::from(*count)),
            None if v.0 < 2 => Some(sizes[v.0 as usize]),
            None => Some(0),
        });
        u64::try_from(value.unwrap()).unwrap()
    };
    let values = |list: &[Size]| list.iter().map(value).collect::<Vec<u64>>();
    assert_eq!(outcome.rounds, value(&cost.rounds), "rounds");
    assert_eq!(
        outcome.messages,
        values(&cost.messages).iter().sum::<u64>(),
        "messages"
    );
    assert_eq!(outcome.bytes, values(&cost.bytes), "bytes");
    assert_eq!(
        outcome.offline_bytes,
        values(&cost.offline_bytes),
        "offline bytes"
    );
    outcome
}
