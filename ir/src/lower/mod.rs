//! From the share-level program to the party program.
//!
//! Every secret becomes the components of a sharing; every operation on secrets becomes a local
//! operation on components, if the scheme's equations make it one, or an instance of a flat
//! protocol. Which scheme that is, lowering never asks: it reads [`Sharing`] and [`Flat`].
//!
//! Fixed point is scaled here. A secret `Fix(f)` is an integer in units of 2^-f. A product of two
//! of them stays *pending* until it is used, so that the use decides its form: most uses need the
//! unit 2^-f and get one fused product-and-truncation where the scheme has it; a sum over an axis
//! turns it into an inner product with one truncation; a comparison takes it untruncated. A public
//! factor is encoded with as many fraction bits as keep its precision ([`Op::FractionBits`]) and the
//! product is truncated by as many, so that a factor far below one unit does not vanish.
//!
//! [`Sharing`]: crate::flat::Sharing
//! [`Flat`]: crate::flat::Flat
//! [`Op::FractionBits`]: crate::party::Op::FractionBits

mod alone;
mod clear;
mod control;
mod deferred;
mod digests;
mod digits;
mod emit;
mod error;
mod fold;
mod instantiate;
mod integers;
mod linear;
mod needed;
mod product;
mod secret;
mod streams;
#[cfg(test)]
mod tests;
mod text;
mod widths;
mod within;

use std::collections::{HashMap, HashSet};

use crate::flat::{Missing, Owner, Protocols, Sharing, TruncMode};
use crate::local::{Local, Prim, Source};
use crate::party::{
    ASSERTION, CoinDomain, Elem, Op as PartyOp, Origin, Party, PartySet, Program, Value as Wire,
};
use crate::share::{self, Audience, Label, Op, Step, Type, Value};
use crate::size::Size;

pub use alone::{Alone, Dealt, Handed, Lifted, lower_alone};
pub use error::{BESIDE, Error, NAMED, NO_CARRIER, NO_PROTOCOL, PARTIES, TOO_NARROW};

use deferred::Ledger;
use emit::Emitter;
use widths::Widths;

/// What to build beside the computation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Show every secret to an observer: [`PartyOp::Probe`].
    pub probes: bool,
}

/// Lowers a share-level program for a backend.
///
/// # Errors
/// Every operation the backend cannot carry out, each with its place.
pub fn lower(
    program: &share::Program,
    protocols: &dyn Protocols,
    options: Options,
) -> Result<Program, Vec<Error>> {
    let own_values = program.values.len();
    let rewritten = match protocols.int_elem() {
        Elem::Bits(_) => Some(integers::expanded(program)),
        _ => None,
    };
    let program = rewritten.as_ref().unwrap_or(program);
    let mut lowerer = Lowerer::new(program, protocols, options).map_err(|e| vec![e])?;
    lowerer.own_values = own_values;
    lowerer.draw_keys();
    lowerer.steps(&program.body.steps);
    if !lowerer.errors.is_empty() {
        let mut seen = HashSet::new();
        lowerer
            .errors
            .retain(|e| seen.insert((e.source, e.message.clone())));
        return Err(lowerer.errors);
    }
    Ok(finished(lowerer))
}

/// What was emitted, without what nobody needs.
fn finished(lowerer: Lowerer<'_>) -> Program {
    let liars = lowerer.liars;
    let mut lowered = lowerer.emit.finish();
    needed::prune(&mut lowered);
    if liars > 0 {
        streams::compare(&mut lowered);
        digests::join(&mut lowered);
        needed::prune(&mut lowered);
    }
    lowered
}

/// A sharing at party level.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shared {
    elem: Elem,
    components: Vec<Wire>,
}

/// A bilinear map of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Map {
    Elementwise,
    MatMul,
}

/// A product of two secrets whose form is not decided yet.
#[derive(Clone, Debug)]
struct Pending {
    left: Shared,
    left_shape: Vec<Size>,
    right: Shared,
    right_shape: Vec<Size>,
    map: Map,
    shape: Vec<Size>,
    /// Fraction bits to remove.
    fraction: u8,
    /// How.
    mode: TruncMode,
    /// The untruncated product, once something asked for it.
    product: Option<Shared>,
}

/// What a share-level value has become.
#[derive(Clone, Debug)]
enum Lowered {
    /// One value per group of parties that know it; the groups are disjoint.
    Clear(Vec<Wire>),
    /// In units of 2^-f if fixed point.
    Secret(Shared),
    /// A product of fixed-point secrets.
    Pending(Box<Pending>),
}

struct Lowerer<'a> {
    script: &'a share::Program,
    protocols: &'a dyn Protocols,
    options: Options,
    /// How many values the script has itself: what an expansion adds is not shown to observers.
    own_values: usize,
    emit: Emitter,
    /// Program positions of the computing parties, then of the roles.
    seats: Vec<Party>,
    /// How many of the seats are computing parties.
    computing: usize,
    ring: u8,
    /// The element type of secret integers.
    int: Elem,
    /// Values that are characters.
    texts: HashSet<Value>,
    env: HashMap<Value, Lowered>,
    /// Bits converted to the ring, one map per open block.
    converted: Vec<HashMap<Value, Shared>>,
    /// Public scalars whose value is known now: integers, and fixed point times 2^64.
    literals: HashMap<Value, i128>,
    /// What is known of the magnitude of integers.
    widths: Widths,
    sharings: HashMap<Elem, Sharing>,
    /// The scheme's keys.
    keys: Vec<Wire>,
    /// How many computing parties may lie.
    liars: usize,
    ledger: Ledger,
    errors: Vec<Error>,
}

/// The operation cannot be lowered; reported already.
struct Failed;

type Lower<T> = Result<T, Failed>;

impl<'a> Lowerer<'a> {
    fn new(
        script: &'a share::Program,
        protocols: &'a dyn Protocols,
        options: Options,
    ) -> Result<Self, Error> {
        let parties = |message: String| Error {
            source: Source::default(),
            code: PARTIES,
            message,
        };
        let backend = protocols.computing();
        let mut names = script.parties.clone();
        let mut seats = vec![];
        if script.using.on.is_empty() {
            for i in 0..backend.parties {
                seats.push(names.len());
                names.push(format!("P[{i}]"));
            }
        } else if script.using.on.len() == backend.parties {
            seats.extend(script.using.on.iter().map(|p| usize::from(*p)));
        } else {
            return Err(parties(format!(
                "the backend has {} computing parties, `using … on` names {}",
                backend.parties,
                script.using.on.len()
            )));
        }
        for role in &backend.roles {
            seats.push(names.len());
            names.push(role.clone());
        }
        // Real parties are found by their names.
        let (own, others) = names.split_at(script.parties.len());
        if let Some(name) = others.iter().find(|name| own.contains(name)) {
            let what = match backend.roles.contains(name) {
                true => BESIDE,
                false => "a server of the backend",
            };
            return Err(parties(format!("`{name}` {NAMED} {what}")));
        }
        if names.len() > 128 {
            return Err(parties(format!("{} parties; at most 128", names.len())));
        }
        let program = Program {
            parties: names,
            ring_bits: protocols.ring_bits(),
            sizes: script.sizes.clone(),
            params: script.params.clone(),
            inputs: script.inputs.clone(),
            guards: script.guards.clone(),
            ..Program::default()
        };
        Ok(Self {
            script,
            protocols,
            options,
            own_values: script.values.len(),
            emit: Emitter::new(program),
            seats: seats
                .into_iter()
                .map(|s| Party(u8::try_from(s).unwrap_or(127)))
                .collect(),
            computing: backend.parties,
            ring: protocols.ring_bits(),
            int: protocols.int_elem(),
            texts: text::texts(script),
            env: HashMap::new(),
            converted: vec![HashMap::new()],
            literals: HashMap::new(),
            widths: Widths::of(script, protocols.ring_bits()),
            sharings: HashMap::new(),
            keys: vec![],
            liars: protocols
                .corruption()
                .iter()
                .filter(|clause| clause.active)
                .map(|clause| clause.parties)
                .max()
                .unwrap_or(0),
            ledger: Ledger::default(),
            errors: vec![],
        })
    }

    /// Draws the scheme's keys, which every protocol refers to.
    fn draw_keys(&mut self) {
        self.ledger.open();
        for key in self.protocols.keys() {
            let known_to = self.seated(key.known_to, None);
            let coin = PartyOp::Coin(key.domain);
            let value = self.emit.step(coin, &[], key.elem, &[], known_to, true);
            self.keys.push(value);
        }
    }

    fn fail<T>(&mut self, code: &'static str, message: impl Into<String>) -> Lower<T> {
        self.errors.push(Error {
            source: self.emit.source,
            code,
            message: message.into(),
        });
        Err(Failed)
    }

    fn missing<T>(&mut self, code: &'static str, missing: &Missing) -> Lower<T> {
        self.fail(code, missing.0.clone())
    }

    fn script_info(&self, value: Value) -> &'a share::ValueInfo {
        &self.script.values[value.0 as usize]
    }

    fn is_secret(&self, value: Value) -> bool {
        self.script_info(value).label == Label::Secret
    }

    fn known_to(&self, label: Label) -> PartySet {
        match label {
            Label::Public => self.emit.everyone(),
            Label::Owned(set) => set,
            Label::Secret => PartySet::EMPTY,
        }
    }

    /// The element type of a clear value of a script type.
    fn clear_elem(&self, ty: Type) -> Elem {
        match ty {
            Type::Int => Elem::Ring(self.ring),
            Type::Bits(m) => Elem::Bits(m),
            Type::Fix(_) => Elem::Fix,
        }
    }

    /// The element type of the components of a secret of a script type.
    fn secret_elem(&self, ty: Type) -> Elem {
        match ty {
            Type::Int | Type::Fix(_) => self.int,
            Type::Bits(m) => Elem::Bits(m),
        }
    }

    /// Refuses secrets of a type that the backend's integers cannot carry.
    fn carriable(&mut self, ty: Type) -> Lower<()> {
        match (ty, self.int) {
            (Type::Fix(_), Elem::Ring(k)) if k != self.ring => self.fail(
                NO_CARRIER,
                "the backend's integers are shared with further bits, which carry no fixed point: use \
                 integers, or a backend whose ring they fill",
            ),
            (Type::Fix(_), Elem::Field(_)) => self.fail(
                NO_CARRIER,
                "the backend's integers are elements of a field, which carry no fixed point: use \
                 integers, or a backend over Z[2^k]",
            ),
            _ => Ok(()),
        }
    }

    fn sharing(&mut self, elem: Elem) -> Lower<Sharing> {
        if let Some(known) = self.sharings.get(&elem) {
            return Ok(known.clone());
        }
        match self.protocols.sharing(elem) {
            Ok(sharing) => {
                self.sharings.insert(elem, sharing.clone());
                Ok(sharing)
            }
            Err(missing) => self.missing(NO_CARRIER, &missing),
        }
    }

    /// A set of flat parties as program parties.
    fn seated(&self, set: PartySet, outsider: Option<(u8, Party)>) -> PartySet {
        set.iter()
            .filter_map(|p| match outsider {
                Some((number, party)) if p.0 == number => Some(party),
                _ => self.seats.get(usize::from(p.0)).copied(),
            })
            .collect()
    }

    /// Which owner or receiver a program party is to the scheme.
    fn owner(&self, party: Party) -> Owner {
        match self.seats.iter().position(|s| *s == party) {
            Some(i) if i < self.computing => Owner::Party(i as u8),
            Some(i) => Owner::Role(i as u8),
            None => Owner::Outside,
        }
    }

    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            self.emit.source = step.source;
            // A failed operation is reported; what reads its results fails silently.
            let _ = self.step(step);
        }
    }

    fn define(&mut self, value: Value, lowered: Lowered) {
        if self.options.probes
            && let Lowered::Secret(shared) = &lowered
        {
            self.probe(value, &shared.clone());
        }
        self.env.insert(value, lowered);
    }

    fn probe(&mut self, value: Value, shared: &Shared) {
        if value.0 as usize >= self.own_values {
            return;
        }
        let Ok(sharing) = self.sharing(shared.elem) else {
            return;
        };
        let scale = match self.script_info(value).ty {
            Type::Fix(f) => f,
            _ => 0,
        };
        let op = PartyOp::Probe {
            value: value.0,
            coefficients: sharing.reconstruction,
            scale,
        };
        self.emit.push(op, shared.components.clone(), vec![]);
    }

    /// Shows clear divisors and arguments of roots and logarithms: there precision is lost for good.
    fn probe_sensitive(&mut self, step: &Step) {
        let arg = match &step.op {
            Op::Local(Local::Prim(Prim::Sqrt | Prim::Ln)) => step.args.first(),
            Op::Local(Local::Prim(Prim::Div)) => step.args.get(1),
            _ => None,
        };
        if !self.options.probes {
            return;
        }
        if let Some(arg) = arg
            && let Some(Lowered::Clear(copies)) = self.env.get(arg)
            && let Some(copy) = copies.first().copied()
        {
            let scale = if matches!(self.script_info(*arg).ty, Type::Fix(_)) {
                64
            } else {
                0
            };
            let op = PartyOp::Probe {
                value: arg.0,
                coefficients: vec![1],
                scale,
            };
            self.emit.push(op, vec![copy], vec![]);
        }
    }

    fn step(&mut self, step: &Step) -> Lower<()> {
        self.before_step(step)?;
        match &step.op {
            Op::Local(_) | Op::Raw | Op::FromRaw => {
                let result = step.results[0];
                if !self.is_secret(result)
                    && let Some(value) = self.folded(step)
                {
                    self.literals.insert(result, value);
                }
                self.within_ring(step)?;
                self.probe_sensitive(step);
                let lowered = if self.is_secret(result) {
                    self.secret(step)?
                } else {
                    Lowered::Clear(self.clear(step)?)
                };
                self.define(result, lowered);
            }
            Op::RingBits => {
                let bits = i128::from(self.ring);
                let elem = self.clear_elem(Type::Int);
                let value = self.emit.local(Local::Constant(bits), &[], elem, &[]);
                self.literals.insert(step.results[0], bits);
                self.define(step.results[0], Lowered::Clear(vec![value]));
            }
            Op::OrderedBits => {
                let bits = self.ordered_bits(step.args[0], step.results[0])?;
                self.define(step.results[0], Lowered::Secret(bits));
            }
            Op::Input(_) | Op::Param(_) | Op::Draw => self.read(step),
            Op::Share => {
                let shared = self.deal(step.args[0])?;
                self.define(step.results[0], Lowered::Secret(shared));
            }
            Op::Reveal(to) => {
                let clear = self.reveal(step.args[0], *to)?;
                self.after_reveal(step.results[0]);
                self.define(step.results[0], Lowered::Clear(clear));
            }
            Op::Output {
                name,
                field,
                label,
                to,
            } => self.output(step, name, *field, label, *to)?,
            Op::Assert => self.assertion(step)?,
            Op::Shuffle => self.shuffle(step)?,
            Op::For { .. }
            | Op::While { .. }
            | Op::Switch { .. }
            | Op::Reduce { .. }
            | Op::Scan { .. } => self.control(step)?,
        }
        Ok(())
    }

    /// Inputs, parameters and draws.
    fn read(&mut self, step: &Step) {
        let result = step.results[0];
        let info = self.script_info(result);
        let (op, known_to, offline) = match step.op {
            Op::Input(i) => (PartyOp::Input(i), self.known_to(info.label), false),
            Op::Param(i) => (PartyOp::Param(i), self.emit.everyone(), true),
            Op::Draw => {
                let coin = PartyOp::Coin(CoinDomain::Uniform);
                (coin, self.known_to(info.label), false)
            }
            _ => return,
        };
        let elem = self.clear_elem(info.ty);
        let value = self
            .emit
            .step(op, &[], elem, &info.shape, known_to, offline);
        // The audit's exact calculation goes on with what was drawn.
        if self.options.probes && step.op == Op::Draw {
            let op = PartyOp::Probe {
                value: result.0,
                coefficients: vec![1],
                scale: 0,
            };
            self.emit.push(op, vec![value], vec![]);
        }
        self.env.insert(result, Lowered::Clear(vec![value]));
    }

    /// Everybody compares what is public with what it has to be.
    fn assertion(&mut self, step: &Step) -> Lower<()> {
        let call = self.emit.call(ASSERTION);
        let source = self.emit.source;
        for value in self.clear_copies(step.args[0])? {
            let info = self.emit.info(value).clone();
            let holds = Local::Constant(1);
            let holds = self
                .emit
                .local_at(holds, &[], info.elem, &[], info.known_to);
            self.emit.origin = Some(Origin { call, source });
            let at = info.known_to;
            self.emit
                .push(PartyOp::Check { at }, vec![value, holds], vec![]);
            self.emit.origin = None;
        }
        Ok(())
    }

    fn output(
        &mut self,
        step: &Step,
        name: &str,
        field: Option<(u16, u16)>,
        label: &str,
        to: Audience,
    ) -> Lower<()> {
        let info = self.script_info(step.args[0]);
        let mut left = match to {
            Audience::All => PartySet::first(self.script.parties.len()),
            Audience::Parties(set) => set,
        };
        for value in self.clear_copies(step.args[0])? {
            let known = self.emit.info(value).known_to;
            // A shared constant is opened to more than it was meant for: each party is told once.
            let at = known.intersection(left);
            if at.is_empty() {
                continue;
            }
            left = left.without(at);
            let value = self.in_ring(value, Elem::Ring(self.ring), at);
            let shown = if self.emit.info(value).known_to == at {
                value
            } else {
                let elem = self.emit.info(value).elem;
                self.emit
                    .local_at(Local::Reshape, &[value], elem, &info.shape, at)
            };
            let op = PartyOp::Output {
                name: name.to_owned(),
                field,
                label: label.to_owned(),
                show: info.ty,
                text: self.texts.contains(&step.args[0]),
                all: to == Audience::All,
            };
            self.emit.push(op, vec![shown], vec![]);
        }
        Ok(())
    }
}
