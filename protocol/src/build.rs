//! The flat protocol under construction: values with knowledge, kinds found by unification,
//! constants folded, equal local operations shared.

mod kinds;

use crate::deferred::Recorded;
use crate::value::Value;
use smpc_ir::flat::{FlatOp, FlatOperand, FlatStep, Kind, Sharing};
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A value under construction.
pub(crate) type Id = u32;

/// A kind that may still be unknown: a position in [`Builder::kinds`].
pub(crate) type KindVar = u32;

/// The known kinds come first in [`Builder::kinds`], in this order.
const KINDS: [Kind; 7] = [
    Kind::Scalar,
    Kind::Element,
    Kind::Rows,
    Kind::Left,
    Kind::Right,
    Kind::Product,
    Kind::Digest,
];

/// The variable of a known kind.
pub(crate) fn known_kind(kind: Kind) -> KindVar {
    match kind {
        Kind::Scalar => 0,
        Kind::Element => 1,
        Kind::Rows => 2,
        Kind::Left => 3,
        Kind::Right => 4,
        Kind::Product => 5,
        Kind::Digest => 6,
    }
}

/// What is known of a value so far.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    pub elem: Elem,
    pub kind: KindVar,
    /// Everybody who could know it; [`Builder::finish`] shrinks it to those who need it.
    pub known: PartySet,
    pub offline: bool,
    /// Every element is this literal.
    pub constant: Option<i128>,
}

/// Why an operation cannot be emitted.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// No party knows all operands.
    Nobody,
    /// Operands of different element types.
    Elems(Elem, Elem),
    /// The shapes of a bilinear protocol do not fit.
    Kinds(Kind, Kind),
    /// A function that is not linear, of a factor before the product.
    Nonlinear(Kind),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    Known(Kind),
    Free,
    Link(KindVar),
}

/// A parameter or result of the protocol, and for results who must know each value.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub operand: FlatOperand,
    pub need: Vec<PartySet>,
}

/// Builds one [`Flat`].
pub(crate) struct Builder {
    pub infos: Vec<Info>,
    pub steps: Vec<FlatStep>,
    pub kinds: Vec<Slot>,
    shared: HashMap<(Prim, Vec<Id>, Elem), Id>,
    constants: HashMap<(i128, Elem), Id>,
    /// Positions of the products whose operands' kinds were open.
    pub pending: Vec<usize>,
    /// Bodies of calls, in the order in which the calls begin.
    pub calls: Vec<Inlined>,
    everyone: PartySet,
    pub bilinear: bool,
    /// Positions in the steps: what stands before is over first.
    pub barriers: Vec<usize>,
    pub deferred: Vec<Recorded>,
    /// Results of comparisons that are carried out whether or not anybody reads them.
    pub agreed: HashSet<Id>,
    /// Whether a number was written that is another one in smaller or in larger rings.
    pub large: bool,
}

/// Numbers from here on are reduced in some rings.
const LARGE: u128 = 1 << 16;

/// The body of a call among the steps.
pub(crate) struct Inlined {
    pub name: String,
    pub start: usize,
    pub end: usize,
    /// By argument: its values, and how a sharing adds up.
    pub args: Vec<(FlatOperand, Option<Sharing>)>,
    /// By result, likewise.
    pub results: Vec<(FlatOperand, Option<Sharing>)>,
}

/// The operands among values: those that are no numbers known now.
fn operands(values: &[Value]) -> Vec<(FlatOperand, Option<Sharing>)> {
    let operand = |value: &Value| match value {
        Value::Share(share) => Some((
            FlatOperand::Shared(share.components.iter().copied().flatten().collect()),
            Some(crate::bound::sharing(&share.instance)),
        )),
        Value::Clear(id) | Value::Scalar(id) => Some((FlatOperand::Clear(*id), None)),
        _ => None,
    };
    values.iter().filter_map(operand).collect()
}

/// A literal as a signed number of the element type.
pub(crate) fn wrap(value: i128, elem: Elem) -> i128 {
    match elem {
        Elem::Ring(k) if k < 128 => {
            let shift = 128 - u32::from(k);
            value.wrapping_shl(shift) >> shift
        }
        Elem::Field(p) => p.signed(p.residue(value)),
        Elem::Bits(m) if m < 128 => value & i128::MAX.wrapping_shr(127 - u32::from(m)),
        _ => value,
    }
}

impl Builder {
    pub fn new(everyone: PartySet, bilinear: bool) -> Self {
        Self {
            infos: Vec::new(),
            steps: Vec::new(),
            kinds: KINDS.iter().map(|&kind| Slot::Known(kind)).collect(),
            shared: HashMap::new(),
            constants: HashMap::new(),
            pending: Vec::new(),
            calls: Vec::new(),
            everyone,
            bilinear,
            barriers: Vec::new(),
            deferred: Vec::new(),
            agreed: HashSet::new(),
            large: false,
        }
    }

    /// What was emitted so far is over before what follows begins.
    pub fn barrier(&mut self) {
        let at = self.steps.len();
        if self.barriers.last() != Some(&at) {
            self.barriers.push(at);
        }
    }

    /// A digest computed by these parties, who know the operands.
    pub fn digest(&mut self, args: &[Id], at: PartySet, source: Source) -> Id {
        let info = Info {
            elem: Elem::Bits(128),
            kind: known_kind(Kind::Digest),
            known: at,
            offline: args.iter().all(|id| self.info(*id).offline),
            constant: None,
        };
        self.step(FlatOp::Local(Local::Digest), args.to_vec(), info, source)
    }

    /// Uniform elements from a seed.
    pub fn expand(&mut self, seed: Id, elem: Elem, kind: KindVar, source: Source) -> Id {
        let info = Info {
            elem,
            kind,
            constant: None,
            ..self.info(seed).clone()
        };
        self.step(FlatOp::Local(Local::Expand), vec![seed], info, source)
    }

    /// A value and all that local steps computed it from.
    pub fn made_of(&self, id: Id) -> BTreeSet<Id> {
        let mut all = BTreeSet::from([id]);
        for step in self.steps.iter().rev() {
            let local = matches!(step.op, FlatOp::Local(_) | FlatOp::Bilinear);
            if local && all.contains(&step.result) {
                all.extend(&step.args);
            }
        }
        all
    }

    /// The value, after these parties have compared two others.
    pub fn check(&mut self, value: Id, a: Id, b: Id, at: PartySet, source: Source) -> Id {
        let offline = |id: Id| self.info(id).offline;
        let info = Info {
            constant: None,
            offline: offline(value) && offline(a) && offline(b),
            ..self.info(value).clone()
        };
        self.step(FlatOp::Check { at }, vec![value, a, b], info, source)
    }

    /// Ends the run at these parties unless two values are equal.
    pub fn assert(&mut self, a: Id, b: Id, at: PartySet, source: Source) {
        let info = Info {
            elem: Elem::Bits(1),
            kind: known_kind(Kind::Scalar),
            known: at,
            offline: false,
            constant: None,
        };
        self.step(FlatOp::Assert { at }, vec![a, b], info, source);
    }

    /// A key of the scheme.
    pub fn key(&mut self, number: u32, elem: Elem, known: PartySet, source: Source) -> Id {
        let info = Info {
            elem,
            kind: known_kind(Kind::Scalar),
            known,
            offline: true,
            constant: None,
        };
        self.step(FlatOp::Key(number), Vec::new(), info, source)
    }

    /// The sum of a vector's elements.
    pub fn row_sum(&mut self, id: Id, source: Source) -> Id {
        let info = Info {
            kind: known_kind(Kind::Scalar),
            constant: None,
            ..self.info(id).clone()
        };
        let sum = FlatOp::Local(Local::Sum { axis: 0 });
        self.step(sum, vec![id], info, source)
    }

    /// The value has this shape.
    pub fn is_of(&mut self, id: Id, kind: Kind) -> Result<(), Fault> {
        let own = self.info(id).kind;
        if self.resolved(own) == Some(Kind::Scalar) {
            return Ok(());
        }
        self.unify(own, known_kind(kind)).map(drop)
    }

    /// A call of these arguments begins; its number.
    pub fn enter(&mut self, name: &str, args: &[Value]) -> usize {
        let start = self.steps.len();
        self.calls.push(Inlined {
            name: name.to_owned(),
            start,
            end: start,
            args: operands(args),
            results: Vec::new(),
        });
        self.calls.len() - 1
    }

    /// It ends with these results.
    pub fn leave(&mut self, call: usize, values: &[Value]) {
        let end = self.steps.len();
        let results = operands(values);
        if let Some(call) = self.calls.get_mut(call) {
            call.end = end;
            call.results = results;
        }
    }

    pub fn info(&self, id: Id) -> &Info {
        &self.infos[id as usize]
    }

    pub fn elem(&self, id: Id) -> Elem {
        self.info(id).elem
    }

    pub fn known(&self, id: Id) -> PartySet {
        self.info(id).known
    }

    fn value(&mut self, info: Info) -> Id {
        self.infos.push(info);
        (self.infos.len() - 1) as Id
    }

    pub fn step(&mut self, op: FlatOp, args: Vec<Id>, info: Info, source: Source) -> Id {
        let result = self.value(info);
        self.steps.push(FlatStep {
            op,
            args,
            result,
            source,
        });
        result
    }

    pub fn param(&mut self, elem: Elem, kind: Kind, known: PartySet, offline: bool) -> Id {
        self.value(Info {
            elem,
            kind: known_kind(kind),
            known,
            offline,
            constant: None,
        })
    }

    pub fn constant(&mut self, value: i128, elem: Elem, source: Source) -> Id {
        self.large |= value.unsigned_abs() >= LARGE;
        let value = wrap(value, elem);
        if let Some(&id) = self.constants.get(&(value, elem)) {
            return id;
        }
        let info = Info {
            elem,
            kind: known_kind(Kind::Scalar),
            known: self.everyone,
            offline: true,
            constant: Some(value),
        };
        let id = self.step(
            FlatOp::Local(Local::Constant(value)),
            Vec::new(),
            info,
            source,
        );
        self.constants.insert((value, elem), id);
        id
    }

    pub fn coin(
        &mut self,
        domain: CoinDomain,
        elem: Elem,
        kind: KindVar,
        known: PartySet,
        source: Source,
    ) -> Id {
        let info = Info {
            elem,
            kind,
            known,
            offline: true,
            constant: None,
        };
        self.step(FlatOp::Coin(domain), Vec::new(), info, source)
    }

    /// The value after a message; itself if every receiver knows it already.
    pub fn send(&mut self, id: Id, from: Party, to: PartySet, offline: bool, source: Source) -> Id {
        let info = self.info(id).clone();
        let to = to.without(info.known);
        if to.is_empty() {
            return id;
        }
        let info = Info {
            known: info.known.union(to),
            offline: info.offline && offline,
            constant: None,
            ..info
        };
        self.step(FlatOp::Send { from: from.0, to }, vec![id], info, source)
    }

    fn joint(&self, args: &[Id]) -> Result<(PartySet, bool), Fault> {
        let (mut known, mut offline) = (self.everyone, true);
        for &arg in args {
            known = known.intersection(self.known(arg));
            offline &= self.info(arg).offline;
        }
        if known.is_empty() {
            return Err(Fault::Nobody);
        }
        Ok((known, offline))
    }

    /// An element-wise operation.
    /// A scalar added to a factor would be multiplied by the other factor: `(x + 1) * y` is no
    /// product of x and y under any other map.
    fn affine(&self, args: &[Id]) -> Result<(), Fault> {
        let kinds: Vec<Option<Kind>> = args.iter().map(|id| self.kind(*id)).collect();
        let factor = kinds
            .iter()
            .flatten()
            .find(|kind| matches!(kind, Kind::Left | Kind::Right));
        match factor {
            Some(factor) if kinds.contains(&Some(Kind::Scalar)) => {
                Err(Fault::Kinds(Kind::Scalar, *factor))
            }
            _ => Ok(()),
        }
    }

    pub fn prim(
        &mut self,
        prim: Prim,
        args: &[Id],
        elem: Elem,
        source: Source,
    ) -> Result<Id, Fault> {
        if let Some(id) = self.fold(prim, args, elem, source)? {
            return Ok(id);
        }
        let key = (prim, args.to_vec(), elem);
        if let Some(&id) = self.shared.get(&key) {
            return Ok(id);
        }
        let (known, offline) = self.joint(args)?;
        let mut kind = self.info(args[0]).kind;
        let mut product = false;
        if prim == Prim::Mul {
            let other = self.info(args[1]).kind;
            let scalar = |var| self.resolved(var) == Some(Kind::Scalar);
            kind = if scalar(kind) {
                other
            } else if scalar(other) {
                kind
            } else {
                product = true;
                self.open_kind()
            };
        } else {
            if matches!(prim, Prim::Add | Prim::Sub) {
                self.affine(args)?;
            }
            for &arg in &args[1..] {
                kind = self.meet(kind, self.info(arg).kind)?;
            }
            let linear = matches!(
                prim,
                Prim::Add | Prim::Sub | Prim::Neg | Prim::BitSlice { .. }
            ) || prim == Prim::Shl && self.kind(args[1]) == Some(Kind::Scalar);
            if !linear && let Some(factor @ (Kind::Left | Kind::Right)) = self.resolved(kind) {
                return Err(Fault::Nonlinear(factor));
            }
        }
        let info = Info {
            elem,
            kind,
            known,
            offline,
            constant: None,
        };
        let id = self.step(
            FlatOp::Local(Local::Prim(prim)),
            args.to_vec(),
            info,
            source,
        );
        if product {
            self.pending.push(self.steps.len() - 1);
            self.solve()?;
        }
        self.shared.insert(key, id);
        Ok(id)
    }

    /// Rows of a in the order of the permutation b, or the inverse of a permutation.
    pub fn layout(&mut self, local: Local, args: &[Id], source: Source) -> Result<Id, Fault> {
        let (known, offline) = self.joint(args)?;
        let info = Info {
            known,
            offline,
            constant: None,
            ..self.info(args[0]).clone()
        };
        Ok(self.step(FlatOp::Local(local), args.to_vec(), info, source))
    }

    /// Sums and products with 0 and 1, and operations on literals.
    fn fold(
        &mut self,
        prim: Prim,
        args: &[Id],
        elem: Elem,
        source: Source,
    ) -> Result<Option<Id>, Fault> {
        let literal = |at: usize| args.get(at).and_then(|&id| self.info(id).constant);
        let (a, b) = (literal(0), literal(1));
        if matches!(prim, Prim::Add | Prim::Sub | Prim::Mul) {
            let (x, y) = (self.elem(args[0]), self.elem(args[1]));
            if x != y {
                return Err(Fault::Elems(x, y));
            }
        }
        let bits = matches!(elem, Elem::Bits(_));
        let value = match (prim, a, b) {
            (Prim::Add, Some(0), _) => return Ok(Some(args[1])),
            (Prim::Add | Prim::Sub, _, Some(0)) => return Ok(Some(args[0])),
            (Prim::Mul, Some(1), _) if !bits => return Ok(Some(args[1])),
            (Prim::Mul, _, Some(1)) if !bits => return Ok(Some(args[0])),
            (Prim::Mul, Some(0), _) | (Prim::Mul, _, Some(0)) => 0,
            (Prim::Add | Prim::Sub, Some(a), Some(b)) if bits => a ^ b,
            (Prim::Mul, Some(a), Some(b)) if bits => a & b,
            (Prim::Add | Prim::Sub | Prim::Mul, Some(a), Some(b)) if let Elem::Field(p) = elem => {
                let (a, b) = (p.residue(a), p.residue(b));
                p.signed(match prim {
                    Prim::Add => p.add(a, b),
                    Prim::Sub => p.sub(a, b),
                    _ => p.mul(a, b),
                })
            }
            (Prim::Add, Some(a), Some(b)) => a.wrapping_add(b),
            (Prim::Sub, Some(a), Some(b)) => a.wrapping_sub(b),
            (Prim::Mul, Some(a), Some(b)) => a.wrapping_mul(b),
            (Prim::Sub, Some(0), None) if !bits => {
                return self.prim(Prim::Neg, &args[1..], elem, source).map(Some);
            }
            (Prim::Sub, Some(0), None) => return Ok(Some(args[1])),
            (Prim::Neg, Some(a), _) if !bits => a.wrapping_neg(),
            (Prim::Neg, None, _) if bits => return Ok(Some(args[0])),
            (Prim::Not, Some(a), _) if bits => !a,
            (
                Prim::Shl | Prim::Shr | Prim::ShrLogical | Prim::Cast | Prim::BitSlice { .. },
                Some(0),
                _,
            ) => 0,
            (Prim::Shl | Prim::Shr | Prim::ShrLogical, _, Some(0)) => return Ok(Some(args[0])),
            (Prim::Shl, Some(a), Some(b @ 0..127)) => a.wrapping_shl(b as u32),
            (Prim::Cast, None, _) if elem == self.elem(args[0]) => return Ok(Some(args[0])),
            _ => return Ok(None),
        };
        Ok(Some(self.constant(value, elem, source)))
    }
}

/// The values of an operand.
pub(crate) fn ids(operand: &FlatOperand) -> &[Id] {
    match operand {
        FlatOperand::Clear(id) => std::slice::from_ref(id),
        FlatOperand::Shared(ids) => ids,
    }
}

pub(crate) fn ids_mut(operand: &mut FlatOperand) -> &mut [Id] {
    match operand {
        FlatOperand::Clear(id) => std::slice::from_mut(id),
        FlatOperand::Shared(ids) => ids,
    }
}
