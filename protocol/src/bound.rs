//! A bound backend: standard operations as flat protocols.

mod request;

pub(crate) use request::Request;

use crate::build::{Builder, Id, Operand};
use crate::call::{Call, GenericArg};
use crate::elaborate::{Elab, FUEL};
use crate::elem_name;
use crate::library::{Carriers, SchemeFile};
use crate::scheme::{Instance, SchemeDef, instantiate};
use crate::value::{Share, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{FileId, Function, Item, ItemKind, Modifier, Span};
use smpc_ir::claim::{self, Claims, Corruption, Skipped, Written};
use smpc_ir::decisions::Decisions;
use smpc_ir::flat::{
    Computing, Flat, FlatOperand, Key, Kind, Missing, Owner, Protocols, Sharing, TruncMode, Want,
};
use smpc_ir::party::{Elem, Party, PartySet};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

/// The protocol for a standard operation, and what its text decided.
type Found = Result<(Arc<Flat>, Decisions), Missing>;

/// A backend for a number of parties and a ring.
#[derive(Debug)]
pub struct Bound {
    file: Arc<SchemeFile>,
    generic: Arc<Vec<SchemeFile>>,
    name: String,
    n: usize,
    globals: BTreeMap<String, i128>,
    carriers: Carriers,
    mode: TruncMode,
    computing: Computing,
    cache: Mutex<BTreeMap<Want, Found>>,
}

/// An argument of the outermost protocol.
#[derive(Clone, Debug)]
pub(crate) enum Param {
    /// Of the scheme that carries the element type; whether it has rows.
    Shared(Elem, Kind, bool),
    /// Of this scheme.
    Of(Rc<Instance>, Kind, bool),
    Clear(Elem, Kind, PartySet),
    /// A public integer of the run.
    Public,
}

/// What to elaborate.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// The overload of this name that fits.
    Name(&'a str),
    /// This one.
    One(&'a Function),
}

/// What an elaboration yields: the protocol, its results as they are meant and what was decided on the way, or what is wrong.
pub(crate) type Made = Result<(Flat, Vec<claim::Operand>, Decisions), Vec<Diagnostic>>;

/// How an instance of a scheme shares.
pub(crate) fn sharing(instance: &Instance) -> Sharing {
    Sharing {
        elem: instance.elem,
        constant: instance.embedding(|_| true).unwrap_or_default(),
        holders: instance.holders.clone(),
        reconstruction: instance.reconstruction.clone(),
        masks: instance.masks.clone(),
        keyed: instance.keyed.clone(),
    }
}

impl Bound {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        file: Arc<SchemeFile>,
        generic: Arc<Vec<SchemeFile>>,
        name: &str,
        n: usize,
        globals: BTreeMap<String, i128>,
        carriers: Carriers,
        mode: TruncMode,
        computing: Computing,
    ) -> Result<Self, Box<Diagnostic>> {
        let bound = Self {
            file,
            generic,
            name: name.to_owned(),
            n,
            globals,
            carriers,
            mode,
            computing,
            cache: Mutex::default(),
        };
        for elem in [bound.carriers.elem, Elem::Bits(1)] {
            if let Some((def, params)) = bound.carried(elem) {
                instantiate(def, n, elem, params)?;
            }
        }
        bound.check_keys()?;
        Ok(bound)
    }

    /// The backend's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn globals(&self) -> &BTreeMap<String, i128> {
        &self.globals
    }

    pub(crate) fn parties(&self) -> usize {
        self.n
    }

    /// Computing parties and roles.
    pub(crate) fn total(&self) -> usize {
        self.n + self.computing.roles.len()
    }

    pub(crate) fn width(&self) -> u8 {
        self.carriers.elem.wire_bits()
    }

    pub(crate) fn carriers(&self) -> &Carriers {
        &self.carriers
    }

    pub(crate) fn schemes(&self) -> impl Iterator<Item = &SchemeDef> {
        self.file.schemes.values()
    }

    /// Everything the scheme's own file declares.
    pub(crate) fn items(&self) -> &[Item] {
        &self.file.module.items
    }

    /// The protocols of the scheme's own file.
    pub(crate) fn own_functions(&self) -> impl Iterator<Item = &Function> {
        self.file
            .module
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Protocol(f) => Some(f),
                _ => None,
            })
    }

    /// The scheme that carries an element type, and its numbers.
    pub(crate) fn carried(&self, elem: Elem) -> Option<(&SchemeDef, &[i128])> {
        let (name, params) = self.carriers.of(elem)?;
        Some((self.file.schemes.get(name)?, params))
    }

    pub(crate) fn elab(&self, bilinear: bool, outside: bool) -> Elab<'_> {
        // The carrier of `int` was looked up when the backend was bound.
        let def = &self.file.schemes[&self.carriers.int.0];
        let total = self.n + def.roles.len();
        let everyone = PartySet::first(total + usize::from(outside));
        Elab {
            file: &self.file,
            generic: &self.generic,
            def,
            n: self.n,
            globals: self.globals.clone(),
            carriers: self.carriers.clone(),
            instances: RefCell::default(),
            b: Builder::new(everyone, bilinear),
            diags: Vec::new(),
            stack: Vec::new(),
            fuel: FUEL,
            root: None,
            ideal: false,
            lockstep: false,
            batch: false,
            repeated: false,
            commitments: BTreeMap::new(),
            bodies: BTreeMap::new(),
            deferring: Vec::new(),
            decisions: Decisions::default(),
            outsider: outside.then_some(Party(total as u8)),
        }
    }

    fn owner(&self, owner: Owner) -> (PartySet, bool) {
        let total = self.n + self.computing.roles.len();
        let one = |party: u8| PartySet::from_iter([Party(party)]);
        match owner {
            Owner::Computing => (PartySet::first(self.n), false),
            Owner::Party(i) | Owner::Role(i) => (one(i), false),
            Owner::Outside => (one(total as u8), true),
        }
    }

    /// The scheme that carries an element type, as a type of values.
    fn instance(&self, elab: &Elab<'_>, elem: Elem) -> Result<Rc<Instance>, Vec<Diagnostic>> {
        elab.carrier(elem, Span::default())
            .map_err(|fail| fail.0.into_iter().map(|d| *d).collect())
    }

    /// Elaborates one protocol on fresh parameters.
    pub(crate) fn make(
        &self,
        target: Target<'_>,
        request: &Request,
        overload: Option<&[GenericArg]>,
    ) -> Made {
        let outside = request.owner == Some(Owner::Outside);
        let mut elab = self.elab(request.bilinear, outside);
        elab.ideal = request.ideal;
        let frame = &request.scope;
        // What an offline protocol is given is there before the inputs.
        let ahead = matches!(target, Target::One(f) if f.modifier == Some(Modifier::Offline));
        let (mut args, mut params) = (Vec::new(), Vec::new());
        for param in &request.params {
            match param {
                Param::Shared(..) | Param::Of(..) => {
                    let (instance, kind, rows) = match param {
                        Param::Of(instance, kind, rows) => (instance.clone(), kind, rows),
                        Param::Shared(elem, kind, rows) => {
                            (self.instance(&elab, *elem)?, kind, rows)
                        }
                        _ => continue,
                    };
                    let ids: Vec<Id> = (0..instance.keys.len())
                        .map(|at| {
                            elab.b.param(
                                instance.elem,
                                *kind,
                                instance.holders[at],
                                instance.offline[at] || ahead,
                            )
                        })
                        .collect();
                    args.push(Value::Share(Share {
                        instance,
                        rows: *rows,
                        components: ids.iter().copied().map(Some).collect(),
                    }));
                    params.push(FlatOperand::Shared(ids));
                }
                Param::Clear(elem, kind, known) => {
                    let id = elab.b.param(*elem, *kind, *known, ahead);
                    args.push(Value::Clear(id));
                    params.push(FlatOperand::Clear(id));
                }
                Param::Public => {
                    let everyone = elab.everyone();
                    let id = elab.b.param(Elem::Ring(64), Kind::Scalar, everyone, true);
                    args.push(Value::Scalar(id));
                    params.push(FlatOperand::Clear(id));
                }
            }
        }
        let generics = overload.unwrap_or(&request.generics);
        let (name, place) = match target {
            Target::Name(name) => (name, self.place(name)),
            Target::One(function) => (function.name.name.as_str(), function.name.span),
        };
        let done = match target {
            Target::Name(name) => {
                // What is dealt is a sharing of the scheme that carries the type.
                let wanted = match (name, request.params.first()) {
                    ("share", Some(Param::Clear(elem, ..))) => Some(self.instance(&elab, *elem)?),
                    _ => None,
                };
                let call = Call {
                    args,
                    generics,
                    wanted,
                };
                elab.invoke(name, call, Span::default(), frame)
            }
            Target::One(function) => elab.invoke_one(function, args, generics, place, frame),
        };
        let values = match done {
            Ok(values) => values,
            Err(fail) => {
                elab.report(fail);
                return Err(elab.diags);
            }
        };
        if !elab.diags.is_empty() {
            return Err(elab.diags);
        }
        let (claims, receivers) = match elab.root.take() {
            Some(root) => (root.claims, root.receivers),
            None => (Claims::default(), Vec::new()),
        };
        let mut results = Vec::new();
        let flattened = values.into_iter().enumerate().flat_map(|(at, value)| {
            let parts = match value {
                Value::Tuple(parts) => parts,
                value => vec![value],
            };
            parts.into_iter().map(move |part| (at, part))
        });
        let mut meant = Vec::new();
        for (at, value) in flattened {
            match value {
                Value::Share(share) => {
                    meant.push(claim::Operand::Shared(sharing(&share.instance)));
                    let ids: Vec<Id> = share.components.iter().copied().flatten().collect();
                    results.push(Operand {
                        operand: FlatOperand::Shared(ids),
                        need: share.instance.holders.clone(),
                    });
                }
                Value::Clear(id) => {
                    let known_to = match receivers.get(at).copied().flatten() {
                        _ if !request.receivers.is_empty() => request.receivers,
                        Some(declared) => declared,
                        None => elab.b.known(id),
                    };
                    meant.push(claim::Operand::Clear {
                        elem: elab.b.elem(id),
                        known_to,
                    });
                    results.push(Operand {
                        operand: FlatOperand::Clear(id),
                        need: vec![known_to],
                    });
                }
                _ => {}
            }
        }
        let roles = elab.roles();
        let owner = match request.owner {
            Some(owner @ Owner::Role(_)) => self.owner(owner).0,
            _ => PartySet::EMPTY,
        };
        let outsider = elab.outsider.map(|party| party.0);
        let Elab {
            b, mut decisions, ..
        } = elab;
        decisions.widths |= b.large;
        // Equations of a scheme with numbers of its own may read them.
        let carriers = [Some(&self.carriers.int), self.carriers.bits.as_ref()];
        decisions.widths |= carriers
            .iter()
            .flatten()
            .any(|(_, numbers)| !numbers.is_empty());
        let (mut flat, late) = b
            .finish(name, params, results, outsider, roles.without(owner))
            .map_err(|fault| {
                let fail = self
                    .elab(request.bilinear, outside)
                    .fault(fault, place, &[]);
                fail.0.into_iter().map(|d| *d).collect::<Vec<_>>()
            })?;
        if let Some(at) = late.first() {
            let span = Span {
                file: FileId(at.file),
                start: at.start,
                end: at.end,
            };
            return Err(vec![
                Diagnostic::new(
                    "K09",
                    format!(
                        "{} takes part in a step that depends on the inputs",
                        self.computing.roles.join(", ")
                    ),
                    span,
                )
                .help("a dealer works before the inputs: let it deal coins, and mask with them; of components that are drawn \
                     before the inputs, too, the scheme says that it knows them: `T holds offline x[0];`"),
            ]);
        }
        flat.claims = claims;
        Ok((flat, meant, decisions))
    }

    /// Where a protocol stands.
    fn place(&self, name: &str) -> Span {
        self.functions()
            .find(|f| f.name.name == name)
            .map_or(Span::default(), |f| f.name.span)
    }

    /// The protocols of the scheme's own file.
    fn own(&self) -> impl Iterator<Item = &Function> {
        self.file.module.items.iter().filter_map(protocol)
    }

    /// Those, and the library's for any scheme.
    fn functions(&self) -> impl Iterator<Item = &Function> {
        let generic = self.generic.iter().flat_map(|file| &file.module.items);
        self.own().chain(generic.filter_map(protocol))
    }
}

fn protocol(item: &Item) -> Option<&Function> {
    match &item.kind {
        ItemKind::Protocol(f) => Some(f),
        _ => None,
    }
}

impl Protocols for Bound {
    fn computing(&self) -> &Computing {
        &self.computing
    }

    fn ring_bits(&self) -> u8 {
        // A scheme may share integers of k bits in a larger ring.
        let width = self.carriers.elem.wire_bits();
        let k = self.globals.get("k").and_then(|k| u8::try_from(*k).ok());
        match (self.carriers.elem, k) {
            (Elem::Ring(_), Some(k)) if (2..width).contains(&k) => k,
            _ => width,
        }
    }

    fn int_elem(&self) -> Elem {
        self.carriers.elem
    }

    fn trunc_mode(&self) -> TruncMode {
        self.mode
    }

    fn sharing(&self, elem: Elem) -> Result<Sharing, Missing> {
        if elem == Elem::Fix {
            return Err(Missing("clear fixed point cannot be shared".to_owned()));
        }
        let Some((def, params)) = self.carried(elem) else {
            return Err(Missing(format!(
                "backend `{}` carries no {}: use `int`, or a backend with bits",
                self.name,
                elem_name(elem)
            )));
        };
        let instance = instantiate(def, self.n, elem, params)
            .map_err(|error| Missing(error.message.clone()))?;
        Ok(sharing(&instance))
    }

    fn keys(&self) -> Vec<Key> {
        self.key_list()
    }

    fn corruption(&self) -> Vec<Corruption> {
        self.corrupt_clauses()
    }

    fn written(&self) -> Vec<Written> {
        self.all_written().0
    }

    fn skipped(&self) -> Vec<Skipped> {
        self.all_written().1
    }

    fn written_at(&self, names: &[&str], numbers: &[(&str, i128)]) -> Vec<Written> {
        self.all_written_at(Some(names), numbers).0
    }

    fn decisions(&self, want: Want) -> Decisions {
        self.found(want)
            .map_or(Decisions::default(), |found| found.1)
    }

    fn protocol(&self, want: Want) -> Result<Arc<Flat>, Missing> {
        self.found(want).map(|found| found.0)
    }
}

impl Bound {
    fn found(&self, want: Want) -> Found {
        let cached = self
            .cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&want)
            .cloned();
        if let Some(result) = cached {
            return result;
        }
        let result = self.build(want);
        let result = result.map(|(flat, decisions)| (Arc::new(flat), decisions));
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(want, result.clone());
        result
    }
}
