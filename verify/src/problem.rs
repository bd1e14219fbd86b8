//! What is to be proved: a flat protocol with the sharings of its operands and the standard
//! operation it claims to be.

mod rules;

use crate::requires::narrower;
use crate::settle::settled;
use crate::sharing;
use crate::stream::drawn;
use crate::widths::Elsewhere;
use smpc_ir::claim::{Corruption, Operator, Realised, Skipped, Term, Written};
use smpc_ir::decisions::Decisions;
use smpc_ir::flat::{
    Computing, Flat, FlatOp, FlatOperand, Key, Kind, Missing, Owner, Protocols, Sharing, TruncMode,
    Want,
};
use smpc_ir::local::Source;
use smpc_ir::party::{Elem, Party, PartySet};
use std::fmt;
use std::sync::Arc;

pub use smpc_ir::claim::Operand;

/// What the protocol claims to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spec {
    /// Result = the clear parameter.
    Share,
    /// The clear result = the parameter.
    Reveal,
    /// The sum of the clear parameters, each of one party.
    Sum,
    /// The product of the first two.
    Mul,
    /// The first shifted right by the public second, as exactly as the mode says.
    Trunc(TruncMode),
    /// The product of the first two, shifted right by the public third.
    MulTrunc(TruncMode),
    /// The bits of a ring element.
    ToBits,
    /// Whether it is negative.
    Msb,
    /// Whether the first is smaller.
    LessThan,
    /// Whether they are equal.
    Equal,
    /// A bit as a ring element.
    BitToRing,
    /// The sum of two integers carried by their bits.
    AddBits,
    /// Whether the first is smaller, of integers carried by their bits.
    LessBits,
    /// The rows in another order.
    Shuffle,
    /// Nothing is claimed: privacy can be asked for, correctness cannot.
    Unspecified,
}

/// A protocol and its claim.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The protocol, with deferred protocols that it calls carried out behind it, and coins for what is expanded from
    /// seeds of which nothing else is made.
    pub flat: Arc<Flat>,
    /// The same as lowering is given it, deferred calls not carried out: what endpoints run.
    pub lowered: Arc<Flat>,
    /// Who computes.
    pub computing: Computing,
    /// In the order of [`Flat::params`].
    pub params: Vec<Operand>,
    /// In the order of [`Flat::results`].
    pub results: Vec<Operand>,
    /// The standard operation that it is, beside what its text claims.
    pub spec: Spec,
    /// Whom the scheme allows to be corrupt; if it says nothing, all that its sharings withstand.
    pub corruption: Vec<Corruption>,
    /// The scheme's keys, drawn once for each run.
    pub keys: Vec<Key>,
    /// How many low bits of a ring element are its value: sharings of SPDZ2k have more.
    pub meant: u8,
    /// The same whatever the protocol says of itself: what active security is about.
    pub carried: u8,
    /// Steps of the protocol itself; what stands behind them are deferred protocols that it calls.
    pub own: usize,
    /// Clauses `requires` of a standard operation, as written, that ask for more than the language promises of
    /// operands. Nothing is taken from them.
    pub narrow: Vec<String>,
    /// The names of its results, if a file declares it: of these the simulator is given what clauses fix
    /// ([`Problem::given`]). Else nothing.
    pub declares: Vec<String>,
    /// The functionality that it stands in for, if a file says so.
    pub realises: Option<Realised>,
    /// Why nothing can be said of it: its text cannot be made flat.
    pub skipped: Option<String>,
    /// Where that is, in the scheme's file or in one of the library.
    pub unmade: Option<Source>,
    /// What its text decides by numbers known in advance.
    pub decisions: Decisions,
    /// Which widths it stands for, if not for that of the backend.
    pub elsewhere: Option<Elsewhere>,
}

/// Why a flat protocol is none: the text names the step and the rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

fn malformed<T>(text: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(text.into()))
}

impl Problem {
    /// The protocol that a bound backend has for a standard operation.
    ///
    /// # Errors
    /// The backend has none, or does not share one of the types.
    pub fn standard(want: Want, protocols: &dyn Protocols) -> Result<Self, Missing> {
        let flat = protocols.protocol(want)?;
        let computing = protocols.computing().clone();
        let n = computing.parties;
        let total = n + computing.roles.len();
        let owners = |owner: Owner| match owner {
            Owner::Computing => PartySet::first(n),
            Owner::Party(i) | Owner::Role(i) => PartySet::from_iter([Party(i)]),
            Owner::Outside => PartySet::from_iter([Party(total as u8)]),
        };
        let shared = |elem| protocols.sharing(elem).map(Operand::Shared);
        let clear = |elem, owner| Operand::Clear {
            elem,
            known_to: owners(owner),
        };
        let amount = Operand::Clear {
            elem: Elem::Ring(64),
            known_to: PartySet::first(total),
        };
        let bit = Elem::Bits(1);
        let (params, result, spec) = match want {
            Want::Share(e, owner) => (vec![clear(e, owner)], shared(e)?, Spec::Share),
            Want::Reveal(e, owner) => (vec![shared(e)?], clear(e, owner), Spec::Reveal),
            Want::Mul(e) => (vec![shared(e)?, shared(e)?], shared(e)?, Spec::Mul),
            Want::Trunc(e, mode) => (vec![shared(e)?, amount], shared(e)?, Spec::Trunc(mode)),
            Want::MulTrunc(e, mode) => (
                vec![shared(e)?, shared(e)?, amount],
                shared(e)?,
                Spec::MulTrunc(mode),
            ),
            Want::ToBits(e) => (
                vec![shared(e)?],
                shared(Elem::Bits(e.wire_bits()))?,
                Spec::ToBits,
            ),
            Want::Msb(e) => (vec![shared(e)?], shared(bit)?, Spec::Msb),
            Want::LessThan(e) => (vec![shared(e)?, shared(e)?], shared(bit)?, Spec::LessThan),
            Want::Equal(e) => (vec![shared(e)?, shared(e)?], shared(bit)?, Spec::Equal),
            Want::BitToRing(e) => (vec![shared(bit)?], shared(e)?, Spec::BitToRing),
            Want::Shuffle(e) => (vec![shared(e)?], shared(e)?, Spec::Shuffle),
            Want::AddBits(e) => (vec![shared(e)?, shared(e)?], shared(e)?, Spec::AddBits),
            Want::LessBits(e) => (vec![shared(e)?, shared(e)?], shared(bit)?, Spec::LessBits),
        };
        let meant = meant(protocols);
        let own = flat.steps.len();
        let lowered = flat;
        let mut flat = drawn(&settled(&lowered));
        let beyond = match params.first() {
            Some(Operand::Shared(sharing)) => beyond(meant, sharing.elem),
            _ => None,
        };
        let mut narrow = Vec::new();
        let clauses = narrower(spec, &params, &flat.claims.requires, beyond);
        if !clauses.is_empty() {
            let claims = &mut Arc::make_mut(&mut flat).claims;
            for at in clauses.into_iter().rev() {
                narrow.insert(0, claims.requires.remove(at).text);
            }
        }
        Ok(Self {
            own,
            meant,
            carried: meant,
            flat,
            lowered,
            computing,
            params,
            results: vec![result],
            spec,
            corruption: protocols.corruption(),
            keys: protocols.keys(),
            narrow,
            declares: Vec::new(),
            realises: None,
            skipped: None,
            unmade: None,
            decisions: protocols.decisions(want),
            elsewhere: None,
        })
    }

    /// A protocol as its file has it: what it claims is what its clauses say. One that says that its
    /// clear result is its shared operand reveals it, and the simulator is given the value; of others it is given the
    /// clear results that clauses fix ([`Problem::given`]).
    pub fn written(written: &Written, protocols: &dyn Protocols) -> Self {
        let value = Term::Apply(Operator::Eq, vec![Term::Result(0), Term::Param(0)]);
        let says = written.flat.claims.ensures.iter().any(|ensures| {
            ensures.claim == value && ensures.over.is_none() && ensures.except.is_none()
        });
        let shapes = (written.params.as_slice(), written.results.as_slice());
        let reveals = says && matches!(shapes, ([Operand::Shared(_)], [Operand::Clear { .. }]));
        Self {
            own: written.flat.steps.len(),
            // It says which bits it reveals: all of them.
            meant: if reveals { u8::MAX } else { meant(protocols) },
            carried: meant(protocols),
            flat: drawn(&settled(&written.flat)),
            lowered: written.flat.clone(),
            computing: protocols.computing().clone(),
            params: written.params.clone(),
            results: written.results.clone(),
            spec: if reveals {
                Spec::Reveal
            } else {
                Spec::Unspecified
            },
            corruption: protocols.corruption(),
            keys: protocols.keys(),
            narrow: Vec::new(),
            declares: written.names.clone(),
            realises: written.realises.clone(),
            skipped: None,
            unmade: None,
            decisions: written.decisions.clone(),
            elsewhere: None,
        }
    }

    /// A protocol that cannot be made flat: every question about it is open, for this reason.
    pub fn skipped(skipped: &Skipped, protocols: &dyn Protocols) -> Self {
        let flat = Flat {
            name: skipped.title.clone(),
            ..Flat::default()
        };
        let computing = protocols.computing().clone();
        Self {
            corruption: protocols.corruption(),
            skipped: Some(skipped.reason.clone()),
            unmade: skipped.source,
            ..Self::unclaimed(
                Arc::new(flat),
                computing,
                Vec::new(),
                Vec::new(),
                protocols.keys(),
            )
        }
    }

    /// A protocol of which nothing is claimed.
    pub(crate) fn unclaimed(
        flat: Arc<Flat>,
        computing: Computing,
        params: Vec<Operand>,
        results: Vec<Operand>,
        keys: Vec<Key>,
    ) -> Self {
        Self {
            lowered: flat.clone(),
            flat,
            computing,
            params,
            results,
            spec: Spec::Unspecified,
            corruption: Vec::new(),
            keys,
            meant: u8::MAX,
            carried: u8::MAX,
            own: usize::MAX,
            narrow: Vec::new(),
            declares: Vec::new(),
            realises: None,
            skipped: None,
            unmade: None,
            decisions: Decisions::default(),
            elsewhere: None,
        }
    }

    /// The same claim about another text.
    pub fn with_flat(&self, flat: Flat) -> Self {
        let flat = Arc::new(flat);
        Self {
            lowered: flat.clone(),
            flat,
            ..self.clone()
        }
    }

    /// Parties, roles and the outsider.
    pub fn everyone(&self) -> PartySet {
        let named = PartySet::first(self.computing.parties + self.computing.roles.len());
        match self.flat.outsider {
            Some(outsider) => named.union(PartySet::from_iter([Party(outsider)])),
            None => named,
        }
    }

    /// A party's name in messages: `P[0]`, a role's name, `outside`.
    pub fn party_name(&self, party: Party) -> String {
        let at = usize::from(party.0);
        match at.checked_sub(self.computing.parties) {
            None => format!("P[{at}]"),
            Some(role) => self
                .computing
                .roles
                .get(role)
                .cloned()
                .unwrap_or("outside".to_owned()),
        }
    }

    /// Names of a set, `{}` if empty.
    pub fn set_name(&self, set: PartySet) -> String {
        let names: Vec<String> = set.iter().map(|p| self.party_name(p)).collect();
        format!("{{{}}}", names.join(", "))
    }

    /// Whether the coalition receives the clear value of a reveal.
    pub fn learns_result(&self, coalition: PartySet) -> bool {
        matches!(self.spec, Spec::Reveal | Spec::Sum)
            && self.results.iter().any(|result| match result {
                Operand::Clear { known_to, .. } => !known_to.intersection(coalition).is_empty(),
                Operand::Shared(_) => false,
            })
    }

    /// The bits of a ring element beyond its value, if it has any: a reveal does not tell them.
    pub(crate) fn beyond(&self, elem: Elem) -> Option<u8> {
        beyond(self.meant, elem)
    }

    /// The parameter that the others and a revealed sum determine for the coalition.
    pub(crate) fn implied(&self, coalition: PartySet) -> Option<usize> {
        if self.spec != Spec::Sum || !self.learns_result(coalition) {
            return None;
        }
        self.params.iter().rposition(|param| match param {
            Operand::Clear { known_to, .. } => known_to.intersection(coalition).is_empty(),
            Operand::Shared(_) => false,
        })
    }

    /// The most parties whose components never determine an operand; the scheme's privacy bound as
    /// its sharings have it.
    pub fn threshold(&self) -> usize {
        let n = self.computing.parties;
        let sharings: Vec<&Sharing> = self
            .params
            .iter()
            .chain(&self.results)
            .filter_map(|operand| match operand {
                Operand::Shared(sharing) => Some(sharing),
                Operand::Clear { .. } => None,
            })
            .collect();
        (0..n)
            .rev()
            .find(|&size| {
                subsets(n, size)
                    .all(|set| sharings.iter().all(|shared| !sharing::open(shared, set)))
            })
            .unwrap_or(0)
    }

    /// Every coalition that the scheme allows, each with and without the outsider: the `corrupt`
    /// clauses, else so many computing parties as the sharings withstand, or one role. Nobody at
    /// all is no coalition.
    pub fn coalitions(&self) -> Vec<PartySet> {
        let n = self.computing.parties;
        let mut sets: Vec<PartySet> = Vec::new();
        let mut clauses = self.corruption.clone();
        if clauses.is_empty() {
            let clause = |parties, roles| Corruption {
                parties,
                roles,
                active: false,
            };
            clauses.push(clause(self.threshold(), PartySet::EMPTY));
            let roles = n..n + self.computing.roles.len();
            clauses.extend(roles.map(|i| clause(0, PartySet::from_iter([Party(i as u8)]))));
        }
        for clause in &clauses {
            let roles: Vec<Party> = clause.roles.iter().collect();
            for some in 0..1u128 << roles.len().min(127) {
                let chosen = roles.iter().enumerate().filter(|(i, _)| some >> i & 1 == 1);
                let chosen: PartySet = chosen.map(|(_, role)| *role).collect();
                for size in 0..=clause.parties.min(n) {
                    sets.extend(subsets(n, size).map(|set| set.union(chosen)));
                }
            }
        }
        if let Some(outsider) = self.flat.outsider
            && self.involves(Party(outsider))
        {
            let outsider = PartySet::from_iter([Party(outsider)]);
            sets.push(outsider);
            let with: Vec<PartySet> = sets.iter().map(|set| set.union(outsider)).collect();
            sets.extend(with);
        }
        sets.retain(|set| !set.is_empty());
        let mut seen = std::collections::HashSet::new();
        sets.retain(|set| seen.insert(*set));
        sets
    }

    /// The coalitions that the scheme allows to deviate.
    pub fn deviating(&self) -> Vec<PartySet> {
        if self.skipped.is_some() {
            return Vec::new();
        }
        let clauses = self.corruption.iter().filter(|clause| clause.active);
        let allowed: Vec<&Corruption> = clauses.collect();
        let (n, everyone) = (self.computing.parties, self.everyone());
        let roles = PartySet::first(n + self.computing.roles.len()).without(PartySet::first(n));
        let mut sets = self.coalitions();
        sets.retain(|set| {
            let some = set.intersection(PartySet::first(n)).len() as usize;
            let roles = set.intersection(roles);
            !self.exposes(*set)
                && everyone != *set
                && allowed
                    .iter()
                    .any(|c| some <= c.parties && roles.is_subset(c.roles))
        });
        sets
    }

    /// Whether a party owns an operand, draws a coin or receives a message.
    fn involves(&self, party: Party) -> bool {
        let flat = &self.flat;
        let owns = self.params.iter().zip(&flat.params).any(|(spec, operand)| {
            let amount = operand_ids(operand)
                .iter()
                .all(|id| flat.values[*id as usize].kind == Kind::Scalar);
            match spec {
                Operand::Clear { known_to, .. } => known_to.contains(party) && !amount,
                Operand::Shared(_) => false,
            }
        });
        owns || flat.steps.iter().any(|step| match &step.op {
            FlatOp::Send { to, .. } => to.contains(party),
            FlatOp::Coin(_) => flat.values[step.result as usize].known_to.contains(party),
            _ => false,
        })
    }

    /// Whether a coalition that the scheme's clauses allow holds components that determine an
    /// operand: the sharing itself tells it every value.
    pub fn exposes(&self, coalition: PartySet) -> bool {
        !self.corruption.is_empty()
            && self
                .params
                .iter()
                .chain(&self.results)
                .any(|operand| match operand {
                    Operand::Shared(shared) => sharing::open(shared, coalition),
                    Operand::Clear { .. } => false,
                })
    }
}

/// So many low bits of an element are its value, if it has more.
fn beyond(meant: u8, elem: Elem) -> Option<u8> {
    matches!(elem, Elem::Ring(m) if m > meant).then_some(meant)
}

/// How many bits of an integer of a backend are its value, where its ring has more.
fn meant(protocols: &dyn Protocols) -> u8 {
    match protocols.int_elem() {
        Elem::Ring(m) if m > protocols.ring_bits() => protocols.ring_bits(),
        _ => u8::MAX,
    }
}

/// The values of an operand.
pub(crate) fn operand_ids(operand: &FlatOperand) -> &[u32] {
    match operand {
        FlatOperand::Shared(ids) => ids,
        FlatOperand::Clear(id) => std::slice::from_ref(id),
    }
}

/// Subsets of the first n parties with so many members, in ascending order.
fn subsets(n: usize, size: usize) -> impl Iterator<Item = PartySet> {
    let n = n.min(127);
    let all = 1u128 << n;
    let first = (size <= n).then(|| (1u128 << size) - 1);
    // The next larger number with as many ones: the lowest run of ones is carried, and what is left of it goes to the end.
    let next = move |bits: &u128| {
        let lowest = bits & bits.wrapping_neg();
        let carried = bits + lowest;
        let rest = ((carried ^ bits) >> 2).checked_div(lowest)?;
        Some(carried | rest).filter(|next| *next < all)
    };
    std::iter::successors(first, next).map(move |bits| {
        (0..n as u8)
            .map(Party)
            .filter(|p| bits >> p.0 & 1 == 1)
            .collect()
    })
}
