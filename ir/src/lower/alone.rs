//! A program of one protocol by itself, from sharings that are dealt to the components that come out.
//!
//! A party that is no other's part, the dealer of the trial, has the components of all operands as inputs and
//! sends each to its holders; then comes one instance of the protocol, as a script's operation would have it, with what it
//! defers; then every holder hands out its own copy of each component of the results. So endpoints can
//! carry out a protocol that no operation of a script is made of.

use super::instantiate::{Binding, Operand};
use super::{Error, Lower, Lowerer, Map, NO_PROTOCOL, Options, Shared, finished};
use crate::SizeVar;
use crate::claim;
use crate::flat::{Flat, FlatOperand, Kind, Protocols};
use crate::local::{Local, Prim, Source};
use crate::party::{Elem, Op, Party, PartySet, Program, Value as Wire};
use crate::share::{self, Input, Param, SizeInfo, SizeOrigin, Type};
use crate::size::Size;

/// How a protocol is lifted to tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lifted {
    /// Every operand is a vector; sizes: its length.
    Elements,
    /// Every operand is a table whose first axis are its rows; sizes: rows, columns.
    Rows,
    /// A bilinear protocol, for a matrix product; sizes: rows of the left operand, inner dimension, columns of the
    /// right one.
    Matrices,
}

impl Lifted {
    /// How many sizes the program has.
    pub fn sizes(self) -> usize {
        match self {
            Self::Elements => 1,
            Self::Rows => 2,
            Self::Matrices => 3,
        }
    }

    /// Shapes of left operand, right operand, and product or element.
    fn shapes(self) -> [Vec<Size>; 3] {
        let size = |i: u32| Size::from(SizeVar(i));
        match self {
            Self::Elements => [vec![size(0)], vec![size(0)], vec![size(0)]],
            Self::Rows => {
                let table = vec![size(0), size(1)];
                [table.clone(), table.clone(), table]
            }
            Self::Matrices => [
                vec![size(0), size(1)],
                vec![size(1), size(2)],
                vec![size(0), size(2)],
            ],
        }
    }
}

/// What an input of the program is; inputs are the dealer's, in the order of [`Alone::inputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dealt {
    /// A component of a parameter, but for what keys add to it: parameter, component.
    Component(usize, usize),
    /// The value of a parameter: a clear one, or one of which components carry a key.
    Value(usize),
}

/// What an output of the program is; its name is the position in [`Alone::outputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// A component of a result, of which each holder hands out its copy: result, component.
    Component(usize, usize),
    /// A clear result, handed out by all that it is meant for.
    Value(usize),
    /// A key, handed out by the dealer.
    Key(usize),
}

/// A program of one protocol.
#[derive(Clone, Debug)]
pub struct Alone {
    /// The program; sizes as [`Lifted`] has them.
    pub program: Program,
    /// By position in [`Program::inputs`]: elements of the type given, rings of as many bits for fields.
    pub inputs: Vec<(Dealt, Elem)>,
    /// By position in [`Program::params`]: parameters of the protocol that are public amounts.
    pub amounts: Vec<usize>,
    /// What is handed out.
    pub outputs: Vec<Handed>,
    /// Positions in the program of the computing parties, the roles and the outsider.
    pub seats: Vec<Party>,
}

/// The dealer of the trial: the first party of the program.
const DEALER: Party = Party(0);
/// The owner or receiver that does not compute, if there is one.
const OUTSIDER: Party = Party(1);

/// The program of one protocol of a backend, whose operands are as said: sharings, or clear values.
///
/// # Errors
/// What lowering finds, as [`super::lower`].
pub fn lower_alone(
    flat: &Flat,
    params: &[claim::Operand],
    results: &[claim::Operand],
    lifted: Lifted,
    protocols: &dyn Protocols,
) -> Result<Alone, Vec<Error>> {
    let [left, right, product] = lifted.shapes();
    let binding = Binding {
        left: &left,
        right: &right,
        product: &product,
        map: match lifted {
            Lifted::Matrices => Map::MatMul,
            Lifted::Elements | Lifted::Rows => Map::Elementwise,
        },
        outsider: flat.outsider.map(|_| OUTSIDER),
    };
    let (script, inputs, amounts) = interface(flat, params, lifted, &binding);
    let mut lowerer =
        Lowerer::new(&script, protocols, Options::default()).map_err(|error| vec![error])?;
    lowerer.draw_keys();
    let outsider = flat.outsider.map(|_| OUTSIDER);
    let seats: Vec<Party> = lowerer.seats.iter().copied().chain(outsider).collect();
    let mut trial = Trial {
        lowerer,
        flat,
        inputs: &inputs,
        keys: vec![],
        outputs: vec![],
    };
    if trial.write(params, results, &binding).is_err() || !trial.lowerer.errors.is_empty() {
        let mut errors = trial.lowerer.errors;
        if errors.is_empty() {
            errors.push(Error {
                source: Source::default(),
                code: NO_PROTOCOL,
                message: format!("`{}` cannot be carried out by itself", flat.name),
            });
        }
        return Err(errors);
    }
    let outputs = trial.outputs;
    let program = finished(trial.lowerer);
    Ok(Alone {
        program,
        inputs,
        amounts,
        outputs,
        seats,
    })
}

/// Parties, sizes, inputs and parameters, without anything done.
fn interface(
    flat: &Flat,
    params: &[claim::Operand],
    lifted: Lifted,
    binding: &Binding<'_>,
) -> (share::Program, Vec<(Dealt, Elem)>, Vec<usize>) {
    let (mut inputs, mut amounts) = (vec![], vec![]);
    let mut script = share::Program::default();
    script.parties.push("dealer of the trial".to_owned());
    if flat.outsider.is_some() {
        script.parties.push("outside".to_owned());
    }
    for size in 0..lifted.sizes() {
        script.sizes.push(SizeInfo {
            name: format!("n{size}"),
            origin: SizeOrigin::Loop,
            source: Source::default(),
        });
    }
    for (at, (operand, spec)) in flat.params.iter().zip(params).enumerate() {
        let shape = |id: u32| binding.shape(flat.values[id as usize].kind);
        let mut input = |dealt: Dealt, elem: Elem, shape: Vec<Size>| {
            let elem = match elem {
                Elem::Field(p) => Elem::Ring(p.bits()),
                other => other,
            };
            script.inputs.push(Input {
                party: DEALER.0,
                file: format!("{}", inputs.len()),
                column: None,
                ty: match elem {
                    Elem::Bits(bits) => Type::Bits(bits),
                    _ => Type::Int,
                },
                text: false,
                shape,
                source: Source::default(),
            });
            inputs.push((dealt, elem));
        };
        match (operand, spec) {
            (FlatOperand::Clear(id), claim::Operand::Clear { elem, .. })
                if flat.values[*id as usize].kind == Kind::Scalar && *elem == Elem::Ring(64) =>
            {
                script.params.push(Param {
                    name: format!("p{at}"),
                    ty: Type::Int,
                    default: None,
                    source: Source::default(),
                });
                amounts.push(at);
            }
            (FlatOperand::Clear(id), claim::Operand::Clear { elem, .. }) => {
                input(Dealt::Value(at), *elem, shape(*id));
            }
            (FlatOperand::Shared(ids), claim::Operand::Shared(sharing)) => {
                for (component, id) in ids.iter().enumerate() {
                    input(Dealt::Component(at, component), sharing.elem, shape(*id));
                }
                if let (false, Some(id)) = (sharing.keyed.is_empty(), ids.first()) {
                    input(Dealt::Value(at), sharing.elem, shape(*id));
                }
            }
            _ => {}
        }
    }
    (script, inputs, amounts)
}

struct Trial<'a> {
    lowerer: Lowerer<'a>,
    flat: &'a Flat,
    inputs: &'a [(Dealt, Elem)],
    /// The keys, as the dealer knows them.
    keys: Vec<Wire>,
    outputs: Vec<Handed>,
}

impl Trial<'_> {
    fn write(
        &mut self,
        params: &[claim::Operand],
        results: &[claim::Operand],
        binding: &Binding<'_>,
    ) -> Lower<()> {
        let keyed = params.iter().chain(results).any(|operand| match operand {
            claim::Operand::Shared(sharing) => !sharing.keyed.is_empty(),
            claim::Operand::Clear { .. } => false,
        });
        if keyed {
            self.tell_keys();
        }
        let mut args = vec![];
        let (mut next, mut amounts) = (0, 0);
        for (at, (operand, spec)) in self.flat.params.iter().zip(params).enumerate() {
            args.push(match (operand, spec) {
                (FlatOperand::Clear(id), claim::Operand::Clear { elem, known_to }) => {
                    let found = self.inputs.get(next).map(|(dealt, _)| *dealt);
                    let everyone = self.lowerer.emit.everyone();
                    Operand::Clear(if found == Some(Dealt::Value(at)) {
                        let value = self.input(*id, &mut next, *elem, binding);
                        self.dealt(value, *known_to)
                    } else {
                        amounts += 1;
                        let op = Op::Param(amounts - 1);
                        self.lowerer.emit.step(op, &[], *elem, &[], everyone, true)
                    })
                }
                (FlatOperand::Shared(ids), claim::Operand::Shared(sharing)) => {
                    let elem = sharing.elem;
                    let mut components: Vec<Wire> = ids
                        .iter()
                        .map(|id| self.input(*id, &mut next, elem, binding))
                        .collect();
                    if let (false, Some(id)) = (sharing.keyed.is_empty(), ids.first()) {
                        let value = self.input(*id, &mut next, elem, binding);
                        self.tag(&mut components, value, &sharing.keyed)?;
                    }
                    let holders = components.iter().zip(&sharing.holders);
                    Operand::Shared(Shared {
                        elem,
                        components: holders.map(|(c, at)| self.dealt(*c, *at)).collect(),
                    })
                }
                _ => return self.refused(),
            });
        }
        let flat = self.flat;
        let found = self.lowerer.instantiate(flat, &args, binding, &mut None)?;
        self.lowerer.carry_out_deferred()?;
        for (at, (operand, spec)) in found.iter().zip(results).enumerate() {
            match (operand, spec) {
                (Operand::Clear(value), claim::Operand::Clear { known_to, .. }) => {
                    self.output(Handed::Value(at), *value, *known_to)?;
                }
                (Operand::Shared(shared), claim::Operand::Shared(sharing)) => {
                    let parts = shared.components.iter().zip(&sharing.holders);
                    for (component, (value, holders)) in parts.enumerate() {
                        self.output(Handed::Component(at, component), *value, *holders)?;
                    }
                }
                _ => return self.refused(),
            }
        }
        for (at, key) in self.keys.clone().into_iter().enumerate() {
            self.hand_out(Handed::Key(at), key, PartySet::from_iter([DEALER]))?;
        }
        Ok(())
    }

    fn refused<T>(&mut self) -> Lower<T> {
        let message = format!("`{}` has operands of another kind", self.flat.name);
        self.lowerer.fail(NO_PROTOCOL, message)
    }

    /// Who knows a key tells the dealer, who has to make sharings that fit it.
    fn tell_keys(&mut self) {
        for key in self.lowerer.keys.clone() {
            let known = self.lowerer.emit.info(key).known_to;
            if let Some(from) = known.iter().next() {
                let to = PartySet::from_iter([DEALER]);
                let told = self.lowerer.emit.send(key, from, to);
                self.keys.push(told);
            }
        }
    }

    /// The next input, which is of the shape of a value of the protocol.
    fn input(&mut self, id: u32, next: &mut usize, elem: Elem, binding: &Binding<'_>) -> Wire {
        let at = *next;
        *next += 1;
        let given = self.inputs.get(at).map_or(elem, |(_, elem)| *elem);
        let shape = binding.shape(self.flat.values[id as usize].kind);
        let (emit, own) = (&mut self.lowerer.emit, PartySet::from_iter([DEALER]));
        let op = Op::Input(u32::try_from(at).unwrap_or(u32::MAX));
        let value = emit.step(op, &[], given, &shape, own, false);
        if given == elem {
            return value;
        }
        emit.prim(Prim::Cast, &[value], elem, &shape)
    }

    /// Adds to components the keys that they carry, times the value.
    fn tag(&mut self, components: &mut [Wire], value: Wire, keyed: &[(u32, u32)]) -> Lower<()> {
        for (component, key) in keyed {
            let key = self.keys.get(*key as usize).copied();
            let (Some(key), Some(slot)) = (key, components.get_mut(*component as usize)) else {
                return self.refused();
            };
            let emit = &mut self.lowerer.emit;
            let info = emit.info(value).clone();
            let tag = emit.prim(Prim::Mul, &[value, key], info.elem, &info.shape);
            *slot = emit.prim(Prim::Add, &[*slot, tag], info.elem, &info.shape);
        }
        Ok(())
    }

    /// What the dealer sends to parties of the protocol.
    fn dealt(&mut self, value: Wire, to: PartySet) -> Wire {
        let to = self.at(to);
        self.lowerer.emit.send(value, DEALER, to)
    }

    /// Parties of the protocol in the program.
    fn at(&self, set: PartySet) -> PartySet {
        let outsider = self.flat.outsider.map(|number| (number, OUTSIDER));
        self.lowerer.seated(set, outsider)
    }

    fn output(&mut self, handed: Handed, value: Wire, to: PartySet) -> Lower<()> {
        let to = self.at(to);
        self.hand_out(handed, value, to)
    }

    fn hand_out(&mut self, handed: Handed, value: Wire, at: PartySet) -> Lower<()> {
        let info = self.lowerer.emit.info(value).clone();
        if !at.is_subset(info.known_to) || at.is_empty() {
            return self.refused();
        }
        let own = self
            .lowerer
            .emit
            .local_at(Local::Reshape, &[value], info.elem, &info.shape, at);
        let op = Op::Output {
            name: self.outputs.len().to_string(),
            field: None,
            label: String::new(),
            show: Type::Int,
            text: false,
            all: false,
        };
        self.outputs.push(handed);
        self.lowerer.emit.push(op, vec![own], vec![]);
        Ok(())
    }
}
