//! Which protocol of a scheme serves a standard operation.

use super::{Bound, Param, Target};
use crate::call::GenericArg;
use crate::elaborate::plain;
use crate::library::trunc_mode;
use crate::missing::describe;
use crate::value::{Frame, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{BinaryOp, ClauseKind, ExprKind, Function, Span};
use smpc_ir::decisions::Decisions;
use smpc_ir::flat::{Flat, Kind, Missing, Owner, TruncMode, Want};
use smpc_ir::party::{Elem, Party, PartySet};

/// How to get a protocol for a [`Want`].
pub(crate) struct Request {
    /// Candidates by name, in order of preference.
    pub names: Vec<String>,
    pub params: Vec<Param>,
    pub generics: Vec<GenericArg>,
    /// Who needs a clear result.
    pub receivers: PartySet,
    pub bilinear: bool,
    pub owner: Option<Owner>,
    /// What names mean that no argument binds.
    pub scope: Frame,
    /// Whether it is a functionality, with values in place of sharings.
    pub ideal: bool,
}

impl Bound {
    /// Protocols that realise `trunc(x, f)`, or `trunc(x * y, f)` if `fused`, in the order in which
    /// a mode accepts them. The library's exact one corrects the scheme's `trunc` by a unit, and is none where that is local.
    fn truncations(&self, mode: TruncMode, fused: bool) -> Vec<String> {
        let mut found: Vec<(TruncMode, String)> = Vec::new();
        for function in self.functions() {
            let realises = function.clauses.iter().any(|clause| {
                let ClauseKind::Realises(term) = &clause.kind else {
                    return false;
                };
                let ExprKind::Call { callee, args } = &term.kind else {
                    return false;
                };
                let product = args.first().is_some_and(|arg| {
                    matches!(arg.value.kind, ExprKind::Binary(_, BinaryOp::Mul, _))
                });
                plain(callee) == Some("trunc") && product == fused
            });
            let declared = function
                .clauses
                .iter()
                .find_map(|clause| match &clause.kind {
                    ClauseKind::Mode(mode) => trunc_mode(&mode.name),
                    _ => None,
                });
            if realises {
                let mode = declared.unwrap_or(TruncMode::Exact);
                found.push((mode, function.name.name.clone()));
            }
        }
        let order: &[TruncMode] = match mode {
            TruncMode::Exact => &[TruncMode::Exact],
            TruncMode::OneUnit => &[TruncMode::OneUnit, TruncMode::Exact],
            TruncMode::Local => &[TruncMode::Local, TruncMode::OneUnit, TruncMode::Exact],
        };
        let fails =
            |(mode, name): &(TruncMode, String)| *mode == TruncMode::Local && name == "trunc";
        if found.iter().any(fails) {
            let own = |name: &str| self.own().any(|function| function.name.name == name);
            found.retain(|(_, name)| own(name));
        }
        order
            .iter()
            .flat_map(|mode| found.iter().filter(move |(m, _)| m == mode))
            .map(|(_, name)| name.clone())
            .collect()
    }

    /// Protocols that realise `x * y` under another name.
    fn products(&self) -> Vec<String> {
        let realises = |function: &&Function| {
            function.clauses.iter().any(|clause| match &clause.kind {
                ClauseKind::Realises(term) => {
                    matches!(term.kind, ExprKind::Binary(_, BinaryOp::Mul, _))
                }
                _ => false,
            })
        };
        let found = self.functions().filter(realises);
        found.map(|function| function.name.name.clone()).collect()
    }

    fn request(&self, want: Want) -> Request {
        let element = |elem| Param::Shared(elem, Kind::Element, false);
        let pair = |elem| {
            vec![
                Param::Shared(elem, Kind::Left, false),
                Param::Shared(elem, Kind::Right, false),
            ]
        };
        let mut request = Request {
            names: Vec::new(),
            params: Vec::new(),
            generics: Vec::new(),
            receivers: PartySet::EMPTY,
            bilinear: false,
            owner: None,
            scope: Frame::default(),
            ideal: false,
        };
        let mut by_name = |name: &str, params: Vec<Param>| {
            request.names = vec![name.to_owned()];
            request.params = params;
        };
        match want {
            Want::Share(elem, owner) => {
                by_name(
                    "share",
                    vec![Param::Clear(elem, Kind::Element, self.owner(owner).0)],
                );
                request.owner = Some(owner);
            }
            Want::Reveal(elem, owner) => {
                by_name("reveal", vec![element(elem)]);
                request.owner = Some(owner);
                request.receivers = self.owner(owner).0;
            }
            Want::Mul(elem) => {
                by_name("mul", pair(elem));
                request.names.extend(self.products());
                request.bilinear = true;
            }
            Want::Trunc(elem, mode) => {
                by_name("", vec![element(elem), Param::Public]);
                request.names = self.truncations(mode, false);
            }
            Want::MulTrunc(elem, mode) => {
                let mut params = pair(elem);
                params.push(Param::Public);
                by_name("", params);
                request.names = self.truncations(mode, true);
                request.bilinear = true;
            }
            Want::ToBits(elem) => by_name("to_bits", vec![element(elem)]),
            Want::Msb(elem) => by_name("msb", vec![element(elem)]),
            Want::LessThan(elem) => by_name("less_than", vec![element(elem), element(elem)]),
            Want::Equal(elem) => by_name("equal", vec![element(elem), element(elem)]),
            Want::AddBits(elem) => by_name("add_bits", vec![element(elem), element(elem)]),
            Want::LessBits(elem) => by_name("less_bits", vec![element(elem), element(elem)]),
            Want::BitToRing(elem) => {
                by_name("bit_to_ring", vec![element(Elem::Bits(1))]);
                request.generics = vec![GenericArg::Elem(elem)];
            }
            Want::Shuffle(elem) => {
                by_name("shuffle", vec![Param::Shared(elem, Kind::Element, true)]);
            }
        }
        request
    }

    /// The `reveal` overloads for a receiver: explicit generics to call them with.
    fn reveals(&self, owner: Owner) -> Vec<Vec<GenericArg>> {
        let party = |set: PartySet| set.iter().next().unwrap_or(Party(0));
        let receiver = party(self.owner(owner).0);
        let named = vec![GenericArg::Value(Value::Party(receiver))];
        match owner {
            Owner::Computing => vec![Vec::new()],
            Owner::Party(i) => vec![
                vec![GenericArg::Value(Value::Int(i128::from(i)))],
                named,
                Vec::new(),
            ],
            Owner::Role(_) | Owner::Outside => vec![named],
        }
    }

    pub(super) fn build(&self, want: Want) -> Result<(Flat, Decisions), Missing> {
        let request = self.request(want);
        if let Want::Reveal(_, owner) = want {
            let mut last = Vec::new();
            for generics in self.reveals(owner) {
                match self.make(Target::Name("reveal"), &request, Some(&generics)) {
                    Ok((flat, _, decisions)) => match told_others(&flat, request.receivers) {
                        None => return Ok((flat, decisions)),
                        Some(error) => last = vec![error],
                    },
                    Err(errors) => last = errors,
                }
            }
            return Err(self.missing(want, &last));
        }
        let mut last = Vec::new();
        for name in &request.names {
            let mut made = self.make(Target::Name(name), &request, None);
            if made.is_err() && !request.generics.is_empty() {
                made = self.make(Target::Name(name), &request, Some(&[]));
            }
            match made {
                Ok((flat, _, decisions)) => return Ok((flat, decisions)),
                Err(errors) => last = errors,
            }
        }
        Err(self.missing(want, &last))
    }

    fn missing(&self, want: Want, errors: &[Diagnostic]) -> Missing {
        let (what, mut supply) = describe(want);
        if let Elem::Field(_) = self.carriers.elem {
            supply = supply.replace("Z[2^k]", "F");
        }
        let mut text = format!("backend `{}` has no {what}; {supply}", self.name);
        if let Some(error) = errors.first() {
            text.push_str(&format!(" ({}: {})", error.code, error.message));
        }
        Missing(text)
    }
}

/// Why a reveal does not do for some receivers: others come to know the value.
fn told_others(flat: &Flat, receivers: PartySet) -> Option<Diagnostic> {
    let told = flat
        .results
        .iter()
        .flat_map(crate::build::ids)
        .any(|id| !flat.values[*id as usize].known_to.is_subset(receivers));
    told.then(|| {
        Diagnostic::new(
            "P03",
            "it would tell the value to other parties",
            Span::default(),
        )
        .help("write `protocol reveal<D: party>(x: …) -> v: … @ D`")
    })
}
