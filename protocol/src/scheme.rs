//! A scheme's `share` equation and `holds` clauses as numbers: components, who holds them, how
//! they add up.

use crate::call::bound_name;
use crate::coalitions::{even, insider};
use crate::elem_name;
use crate::equation::{Form, Reader, holder, secret_name};
use crate::inline::component_name;
use crate::keys::keyed;
use crate::solve::solve;
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Coalition, Coin, Expr, Ident, Name, Scheme, SchemePartKind, Span};
use smpc_ir::party::{Elem, PartySet};
use std::collections::BTreeMap;

/// What a `corrupt` clause says of those whom it names.
const MODES: [&str; 3] = ["semihonest", "malicious", "abort"];

/// A component's name: the field of `x.m[i]` if any, and its indices modulo n.
pub(crate) type Key = (Option<String>, Vec<i128>);

/// A scheme for one number of parties, one element type and its other parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instance {
    /// The scheme's name.
    pub family: String,
    pub elem: Elem,
    /// Its numbers beside the element type: the degree of a polynomial.
    pub params: Vec<i128>,
    pub keys: Vec<Key>,
    pub holders: Vec<PartySet>,
    /// Which components are known before the value.
    pub offline: Vec<bool>,
    /// The value is the sum of coefficient times component.
    pub reconstruction: Vec<i128>,
    /// Coefficients of a sharing without coins, where the equations fix them: with `hidden` coins.
    pub constant: Option<Vec<i128>>,
    /// The other solutions of the equations, one vector for each coin.
    pub masks: Vec<Vec<i128>>,
    /// Components that carry a key times the value: their positions, and the keys'.
    pub keyed: Vec<(u32, u32)>,
}

impl Instance {
    /// Coefficients of a public constant in the components, of which those that are not 0 must
    /// be among those `fits` accepts.
    pub fn embedding(&self, fits: impl Fn(usize) -> bool) -> Option<Vec<i128>> {
        if let Some(constant) = &self.constant {
            let all = constant.iter().enumerate();
            let possible = all.clone().all(|(at, c)| *c == 0 || fits(at));
            return possible.then(|| constant.clone());
        }
        let find = |unit: i128| {
            (0..self.keys.len())
                .find(|&at| self.reconstruction[at] == unit && !self.offline[at] && fits(at))
        };
        let (at, unit) = match find(1) {
            Some(at) => (at, 1),
            None => (find(-1)?, -1),
        };
        let mut constant = vec![0; self.keys.len()];
        constant[at] = unit;
        Some(constant)
    }

    /// The other solutions of `value = sum of reconstruction[i] * component[i]`.
    fn mask_by_sum(&mut self) {
        let Some(constant) = self.embedding(|_| true) else {
            return;
        };
        let unit = constant.iter().position(|c| *c != 0).unwrap_or(0);
        let others = (0..self.keys.len()).filter(|at| *at != unit);
        self.masks = others
            .map(|at| {
                let mut mask = vec![0; self.keys.len()];
                mask[at] = 1;
                mask[unit] = -self.reconstruction[unit] * self.reconstruction[at];
                mask
            })
            .collect();
    }

    /// Orders plain components `x[0], x[1], …` by index; named ones stay as `holds` lists them.
    fn sort(&mut self) {
        if self.keys.iter().any(|key| key.0.is_some()) {
            return;
        }
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        order.sort_by(|&a, &b| self.keys[a].cmp(&self.keys[b]));
        self.keys = order.iter().map(|&at| self.keys[at].clone()).collect();
        self.holders = order.iter().map(|&at| self.holders[at]).collect();
        self.offline = order.iter().map(|&at| self.offline[at]).collect();
    }

    /// Position of a component.
    pub fn position(&self, key: &Key) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }

    pub fn title(&self) -> String {
        let params: String = self.params.iter().map(|p| format!(", {p}")).collect();
        format!("{}<{}{params}>", self.family, elem_name(self.elem))
    }
}

/// What does not depend on n or the element type.
#[derive(Clone, Debug)]
pub(crate) struct SchemeDef {
    pub scheme: Scheme,
    pub span: Span,
    /// The family of computing parties: its name, and how many.
    pub parties: Ident,
    pub count: Option<Expr>,
    /// Roles beside the parties: `dealer T;`.
    pub roles: Vec<(String, String)>,
    /// `key alpha[i] <- F @ P[i];`.
    pub keys: Vec<KeyClause>,
}

/// A clause that declares a family of keys.
#[derive(Clone, Debug)]
pub(crate) struct KeyClause {
    pub name: Name,
    pub coin: Coin,
}

impl SchemeDef {
    /// Names of the parameters beside the element type.
    pub fn param_names(&self) -> impl Iterator<Item = &str> {
        self.scheme
            .generics
            .iter()
            .skip(1)
            .map(|g| g.name.name.as_str())
    }

    /// The scheme's numbers by name.
    fn numbers(
        &self,
        elem: Elem,
        params: &[i128],
    ) -> Result<BTreeMap<String, i128>, Box<Diagnostic>> {
        let name = &self.scheme.name;
        let wrong = |text: String| Err(Box::new(Diagnostic::new("P01", text, name.span)));
        let (names, given): (Vec<&str>, _) = (self.param_names().collect(), params.len());
        if names.len() != given {
            let wanted = names.len();
            return wrong(format!(
                "scheme {} takes {wanted} numbers, not {given}",
                name.name
            ));
        }
        let mut numbers: BTreeMap<String, i128> = names
            .iter()
            .zip(params)
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        if let Some(first) = self.scheme.generics.first() {
            match (bound_name(first), elem) {
                (Some("Field"), Elem::Field(_)) => {}
                (Some("Field"), _) => {
                    return wrong(format!(
                        "scheme {} is over a field, not {}",
                        name.name,
                        elem_name(elem)
                    ));
                }
                (Some("int"), Elem::Bits(m)) => {
                    numbers.insert(first.name.name.clone(), i128::from(m));
                }
                _ => {}
            }
        }
        Ok(numbers)
    }
}

/// Reads the clauses that name parties.
pub(crate) fn define(scheme: &Scheme, span: Span) -> Result<SchemeDef, Box<Diagnostic>> {
    let (mut parties, mut roles, mut keys) = (None, Vec::new(), Vec::new());
    for part in &scheme.parts {
        match &part.kind {
            SchemePartKind::Parties(name, _) => parties = Some(name.clone()),
            SchemePartKind::Role(role, party) => {
                roles.push((role.name.clone(), party.name.clone()));
            }
            SchemePartKind::Key(name, coin) => keys.push(KeyClause {
                name: name.clone(),
                coin: coin.clone(),
            }),
            SchemePartKind::Corrupt(..)
            | SchemePartKind::Hidden(_)
            | SchemePartKind::Share(..)
            | SchemePartKind::Holds(..) => {}
        }
    }
    let Some(parties) = parties else {
        return Err(Box::new(
            Diagnostic::new(
                "P06",
                format!("scheme {} has no parties", scheme.name.name),
                scheme.name.span,
            )
            .help("write `parties P[3];`"),
        ));
    };
    for part in &scheme.parts {
        if let SchemePartKind::Corrupt(coalitions, modes) = &part.kind {
            corrupt(coalitions, modes, &parties.ident.name, &roles)?;
        }
    }
    let count = parties.indices.first().and_then(|list| list.first());
    Ok(SchemeDef {
        scheme: scheme.clone(),
        span,
        count: count.cloned(),
        parties: parties.ident,
        roles,
        keys,
    })
}

/// Whether a `corrupt` clause speaks of parties and roles that there are, and of ways in which they may be corrupt.
fn corrupt(
    coalitions: &[Coalition],
    modes: &[Ident],
    parties: &str,
    roles: &[(String, String)],
) -> Result<(), Box<Diagnostic>> {
    let unknown = |what: &str, name: &Ident, help: String| {
        let message = format!("there is no {what} `{}`", name.name);
        Err(Box::new(
            Diagnostic::new("P04", message, name.span).help(help),
        ))
    };
    for coalition in coalitions {
        let Some(name) = coalition.of.segments.last() else {
            continue;
        };
        if name.name != parties && roles.iter().all(|(_, role)| *role != name.name) {
            let all = std::iter::once(parties).chain(roles.iter().map(|(_, role)| role.as_str()));
            let all: Vec<String> = all.map(|name| format!("`{name}`")).collect();
            let help = format!("the scheme has {}", all.join(", "));
            return unknown("party or role", name, help);
        }
    }
    for mode in modes {
        if !MODES.contains(&mode.name.as_str()) {
            let help = "write `semihonest`, or `malicious, abort`".to_owned();
            return unknown("kind of corruption", mode, help);
        }
    }
    Ok(())
}

/// The scheme among `n` parties over one element type, with its other parameters.
pub(crate) fn instantiate(
    def: &SchemeDef,
    n: usize,
    elem: Elem,
    params: &[i128],
) -> Result<Instance, Box<Diagnostic>> {
    let mut reader = Reader {
        def,
        n,
        numbers: def.numbers(elem, params)?,
        hidden: Vec::new(),
        secret: "x".to_owned(),
        indices: Vec::new(),
    };
    let mut equations = Vec::new();
    for part in &def.scheme.parts {
        match &part.kind {
            SchemePartKind::Parties(_, Some(condition)) if !reader.holds(condition)? => {
                let given: Vec<String> = reader
                    .numbers
                    .iter()
                    .map(|(name, value)| format!("{name} = {value}"))
                    .chain([format!("n = {n}")])
                    .collect();
                return Err(reader.bad(
                    condition.span,
                    format!(
                        "scheme {} does not allow {}",
                        def.scheme.name.name,
                        given.join(", ")
                    ),
                ));
            }
            SchemePartKind::Hidden(names) => {
                reader
                    .hidden
                    .extend(names.iter().map(|name| name.ident.name.clone()));
            }
            SchemePartKind::Share(left, right, comp) => {
                equations.push((part.span, left, right, comp.as_ref()));
            }
            _ => {}
        }
    }
    let family = &def.scheme.name.name;
    let Some((span, left, right, comp)) = equations.first().copied() else {
        let text = format!("scheme {family} needs a `share` equation to be executable");
        return Err(Box::new(Diagnostic::new("U01", text, def.span)));
    };
    reader.secret = secret_name(left)
        .or_else(|| secret_name(right))
        .unwrap_or_else(|| "x".to_owned());
    let mut instance = Instance {
        family: family.clone(),
        elem,
        params: params.to_vec(),
        keys: Vec::new(),
        holders: Vec::new(),
        offline: Vec::new(),
        reconstruction: Vec::new(),
        constant: None,
        masks: Vec::new(),
        keyed: Vec::new(),
    };
    hold(&mut instance, &mut reader)?;
    instance.sort();
    if !def.keys.is_empty() {
        return keyed(instance, &reader, &equations);
    }
    if comp.is_none() && equations.len() == 1 && reader.hidden.is_empty() {
        let equation = reader.form(left)?.plus(reader.form(right)?.scaled(-1));
        by_sum(&mut instance, &reader, &equation, span)?;
        return Ok(instance);
    }
    let mut forms = Vec::new();
    for (span, left, right, comp) in equations {
        for indices in reader.members(comp)? {
            let inner = Reader {
                indices,
                ..reader.clone()
            };
            forms.push((span, inner.form(left)?.plus(inner.form(right)?.scaled(-1))));
        }
    }
    by_coins(&mut instance, &reader, &forms, span)?;
    Ok(instance)
}

/// The components that the `holds` clauses list.
fn hold(instance: &mut Instance, reader: &mut Reader<'_>) -> Result<(), Box<Diagnostic>> {
    let def = reader.def;
    for part in &def.scheme.parts {
        let SchemePartKind::Holds(who, held) = &part.kind else {
            continue;
        };
        let binder = reader.binder(who);
        let count = if binder.is_some() {
            reader.n as i128
        } else {
            1
        };
        for value in 0..count {
            if let Some(name) = &binder {
                reader.indices = vec![(name.clone(), value)];
            }
            let party = holder(reader, who)?;
            for item in held {
                let Some(key) = reader.key(&item.component)? else {
                    return Err(reader.bad(item.component.span, "expected a component"));
                };
                let at = match instance.position(&key) {
                    Some(at) => {
                        // Whether it precedes the value is a fact about the component.
                        instance.offline[at] |= item.offline;
                        at
                    }
                    None => {
                        instance.keys.push(key);
                        instance.holders.push(PartySet::EMPTY);
                        instance.offline.push(item.offline);
                        instance.keys.len() - 1
                    }
                };
                let one = PartySet::from_iter([party]);
                instance.holders[at] = instance.holders[at].union(one);
            }
        }
        reader.indices.clear();
    }
    Ok(())
}

/// One equation: the value is a sum of components.
pub(crate) fn by_sum(
    instance: &mut Instance,
    reader: &Reader<'_>,
    equation: &Form,
    span: Span,
) -> Result<(), Box<Diagnostic>> {
    let family = &instance.family;
    let covered = equation
        .components
        .iter()
        .all(|(key, c)| *c == 0 || instance.position(key).is_some());
    if !matches!(equation.value, 1 | -1) || equation.constant != 0 || !covered {
        return Err(Box::new(
            Diagnostic::new(
                "P06",
                format!(
                    "the `share` equation of {family} does not determine the value from held components"
                ),
                span,
            )
            .help("every component of the equation needs a holder: `P[i] holds x[i];`"),
        ));
    }
    let coefficient = |key: &Key| {
        let own = equation.components.get(key).copied().unwrap_or(0);
        own.wrapping_neg().wrapping_mul(equation.value)
    };
    instance.reconstruction = instance.keys.iter().map(coefficient).collect();
    if instance.embedding(|_| true).is_none() {
        let text = format!("scheme {family} has no component with coefficient 1 or -1");
        return Err(reader.bad(span, text));
    }
    if let Some(key) = even(instance, reader)? {
        let name = reader.secret.as_str();
        let part = component_name(name, key);
        let text = format!(
            "`{part}` has an even coefficient: whoever lacks no other component of {} knows the lowest bit of {name}",
            instance.title()
        );
        let help = format!("give it an odd one: `share {name} = {name}[0] + {name}[1];`");
        return Err(Box::new(Diagnostic::new("P06", text, span).help(help)));
    }
    instance.mask_by_sum();
    Ok(())
}

/// Equations that give each component in terms of the value and hidden coins, over a field.
fn by_coins(
    instance: &mut Instance,
    reader: &Reader<'_>,
    forms: &[(Span, Form)],
    span: Span,
) -> Result<(), Box<Diagnostic>> {
    let family = &instance.family;
    let Elem::Field(p) = instance.elem else {
        let text = format!(
            "scheme {family} has hidden coins outside a field, which is not executable yet"
        );
        return Err(Box::new(Diagnostic::new("U01", text, span)));
    };
    let coins: std::collections::BTreeSet<_> = forms
        .iter()
        .flat_map(|(_, form)| form.coins.keys())
        .collect();
    let mut solved: BTreeMap<usize, (u128, Vec<u128>)> = BTreeMap::new();
    for (span, form) in forms {
        let used: Vec<_> = form.components.iter().filter(|(_, c)| **c != 0).collect();
        let [(key, unit)] = used.as_slice() else {
            return Err(reader.bad(
                *span,
                "each equation with hidden coins defines one component",
            ));
        };
        let inverse = p.inverse(p.residue(**unit)).unwrap_or(0);
        let of = |c: i128| p.neg(p.mul(inverse, p.residue(c)));
        let at = instance.position(key);
        let fits = form.constant == 0 && inverse != 0;
        match at.filter(|at| fits && !solved.contains_key(at)) {
            Some(at) => {
                let column = coins
                    .iter()
                    .map(|coin| of(*form.coins.get(*coin).unwrap_or(&0)));
                solved.insert(at, (of(form.value), column.collect()));
            }
            None => {
                return Err(reader.bad(
                    *span,
                    "this equation defines no component that is held, or one twice",
                ));
            }
        }
    }
    if solved.len() != instance.keys.len() {
        return Err(reader.bad(span, "a component is held that no equation defines"));
    }
    // A linear form of components that yields the value and cancels every coin.
    let mut rows = vec![solved.values().map(|(value, _)| *value).collect::<Vec<_>>()];
    rows.extend((0..coins.len()).map(|coin| solved.values().map(|(_, c)| c[coin]).collect()));
    let mut right = vec![0; rows.len()];
    right[0] = 1;
    let signed = |row: &Vec<u128>| row.iter().map(|c| p.signed(*c)).collect::<Vec<_>>();
    let Some(weights) = solve(p, &rows, &right) else {
        let text = format!(
            "the `share` equations of {family} do not determine the value from held components"
        );
        return Err(reader.bad(span, text));
    };
    if let Some(set) = insider(instance, reader, p, &rows, &right)? {
        let names: Vec<String> = set
            .iter()
            .map(|party| format!("{}[{}]", reader.def.parties.name, party.0))
            .collect();
        let text = format!(
            "{} determine the value of a sharing of {}",
            names.join(", "),
            instance.title()
        );
        return Err(Box::new(Diagnostic::new("P06", text, span).help(
            "the points of a polynomial must differ: take p larger than n",
        )));
    }
    instance.reconstruction = signed(&weights);
    instance.constant = Some(signed(&rows[0]));
    instance.masks = rows[1..].iter().map(signed).collect();
    Ok(())
}
