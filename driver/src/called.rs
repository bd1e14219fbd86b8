//! One call of a function in a made-up test: what the function costs by itself.
//!
//! Each function is put into tests of a made-up file, called once with secrets, with nothing revealed and nothing left
//! out because nobody reads it; the same test without the call is taken off.

use crate::pipeline;
use smpc_check::Test;
use smpc_grammar::ast::{Expr, ExprKind, Function, KnownTo, Span, Type, TypeKind};
use smpc_ir::claim::{Corruption, Written};
use smpc_ir::flat::{Computing, Flat, Key, Missing, Protocols, Sharing, TruncMode, Want};
use smpc_ir::party::Elem;
use smpc_ir::{Size, lower, party};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Elements that a function of numbers is called on, where sizes are numbers.
pub const ELEMENTS: i128 = 64;
/// Every size in the parameters of a function of lists, where sizes are numbers.
pub const LENGTH: i128 = 16;

/// Single ints of a function that are tried as public ones.
const MOST_INTS: usize = 4;

/// What the sizes of a call are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// [`LENGTH`]; a function of numbers is called on a list of [`ELEMENTS`].
    Numbers,
    /// The names in the signature, which are params of the made-up file; a function of numbers is called on one.
    Names,
}

/// What a call costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Formulas {
    /// Online rounds.
    pub rounds: Size,
    /// Bytes that all parties send online.
    pub bytes: Size,
    /// What of the formulas only a run decides.
    pub open: Vec<String>,
    /// Names of the variables, by number.
    pub names: Vec<String>,
    /// Operations of the scheme that the call needs, as schemes name them.
    pub needs: Vec<&'static str>,
}

/// Whether a function takes numbers, and lists element by element.
pub fn elementwise(function: &Function) -> bool {
    !function.params.iter().any(|group| is_array(&group.ty))
}

/// The tests that find a function's cost: for each choice of public ints one with and one without the call. Nothing for
/// arguments that are not made up: a struct, a tuple, a text. `at` is a number of the function's own.
pub fn tests(at: usize, function: &Function, prefix: &str, sizes: Sizes, text: &str) -> String {
    let mut made = String::new();
    for public in choices(function) {
        for call in [true, false] {
            if let Some(body) = body(function, prefix, &public, (call, sizes), text) {
                let name = name(at, &public, call);
                made.push_str(&format!("test \"{name}\" {{ {body} expect(1, 1); }}\n"));
            }
        }
    }
    made
}

/// Of checked tests those of a function, by the choice of public ints, fewest first: with and without the call.
pub fn calls<'t>(
    at: usize,
    function: &Function,
    tests: &'t [Test],
) -> Vec<(Vec<String>, &'t Test, &'t Test)> {
    let of = |name: String| tests.iter().find(|test| test.name == name);
    let one = |public: Vec<String>| {
        let (with, without) = (of(name(at, &public, true))?, of(name(at, &public, false))?);
        Some((public, with, without))
    };
    choices(function).into_iter().filter_map(one).collect()
}

/// Names of the sizes in a function's parameters.
pub fn sizes(function: &Function) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for group in &function.params {
        let mut element = &group.ty;
        while let TypeKind::Array(inner, lengths) = &element.kind {
            lengths.iter().for_each(|l| size_names(l, &mut names));
            element = inner;
        }
    }
    names
}

/// Which single ints are public: none, each, ..., all.
fn choices(function: &Function) -> Vec<Vec<String>> {
    let groups = function.params.iter();
    let groups = groups.filter(|group| group.default.is_none() && named(&group.ty) == Some("int"));
    let names = groups.flat_map(|group| &group.names);
    let ints: Vec<String> = names
        .map(|name| name.ident.name.clone())
        .take(MOST_INTS)
        .collect();
    let mut choices: Vec<Vec<String>> = vec![];
    for choice in 0..1usize << ints.len() {
        let chosen = ints
            .iter()
            .enumerate()
            .filter(|(at, _)| choice >> at & 1 == 1);
        choices.push(chosen.map(|(_, name)| name.clone()).collect());
    }
    choices.sort_by_key(Vec::len);
    choices
}

/// A test's name.
fn name(at: usize, public: &[String], call: bool) -> String {
    format!("{at} {} {call}", public.join(" "))
}

fn is_array(ty: &Type) -> bool {
    matches!(ty.kind, TypeKind::Array(..))
}

fn named(ty: &Type) -> Option<&str> {
    match &ty.kind {
        TypeKind::Named { path, args, .. } if args.is_empty() => {
            path.segments.last().map(|s| s.name.as_str())
        }
        _ => None,
    }
}

/// Statements that call a function once, or that only make its arguments; nothing for arguments that are not made up.
fn body(
    function: &Function,
    prefix: &str,
    public: &[String],
    (call, sizes): (bool, Sizes),
    text: &str,
) -> Option<String> {
    let slice = |span: Span| text.get(span.start as usize..span.end as usize);
    let lifted = elementwise(function) && sizes == Sizes::Numbers;
    let mut lines = String::new();
    let mut arguments = vec![];
    for group in function
        .params
        .iter()
        .filter(|group| group.default.is_none())
    {
        let mut dims: Vec<String> = vec![];
        let mut element = &group.ty;
        while let TypeKind::Array(inner, lengths) = &element.kind {
            for length in lengths {
                dims.push(slice(length.span)?.to_owned());
            }
            element = inner;
        }
        let single = dims.is_empty();
        if single && lifted {
            dims.push(ELEMENTS.to_string());
        }
        let of = dims.join(", ");
        let kind = named(element)?;
        let zero = match dims.is_empty() {
            true => "0".to_owned(),
            false => format!("zeros({of})"),
        };
        let value = match kind {
            "fix" | "num" | "any" => format!("{zero} * 1.0"),
            "int" => zero,
            "bool" => format!("{zero} == 1"),
            _ => return None,
        };
        for name in &group.names {
            let name = &name.ident.name;
            if kind == "int" && single && public.contains(name) {
                arguments.push("2".to_owned());
                continue;
            }
            let known = matches!(group.ty.label, Some(KnownTo::Public));
            let value = match known {
                true => value.clone(),
                false => format!("share ({value})"),
            };
            lines.push_str(&format!("let of_{name} = {value}; "));
            arguments.push(format!("of_{name}"));
        }
    }
    let lengths: String = match sizes {
        Sizes::Names => String::new(),
        Sizes::Numbers => self::sizes(function)
            .iter()
            .map(|name| format!("let {name} = {LENGTH}; "))
            .collect(),
    };
    if call {
        let (name, arguments) = (&function.name.name, arguments.join(", "));
        // A turn of a loop begins with all shares at their holders.
        lines.push_str(&format!(
            "for turn in 0..1 {{ let result = {prefix}{name}({arguments}); }}"
        ));
    }
    Some(lengths + &lines)
}

/// The names in a dimension.
fn size_names(size: &Expr, into: &mut BTreeSet<String>) {
    match &size.kind {
        ExprKind::Path { path, .. } => {
            into.extend(path.segments.first().map(|s| s.name.clone()));
        }
        ExprKind::Binary(a, _, b) => {
            size_names(a, into);
            size_names(b, into);
        }
        _ => {}
    }
}

/// What the call costs under a backend; nothing if it lacks an operation, or if the compiler broke a rule of its own.
pub fn cost(with: &Test, without: &Test, protocols: &dyn Protocols) -> Option<Formulas> {
    let asked = Asked {
        bound: protocols,
        wants: Mutex::default(),
    };
    let of = |test: &Test, protocols: &dyn Protocols| {
        let options = lower::Options { probes: true };
        let program = lower::lower(&test.program, protocols, options).ok()?;
        let cost = party::cost(pipeline::validated(&program).ok()?);
        Some((cost, program))
    };
    let ((with, program), (without, _)) = (of(with, &asked)?, of(without, protocols)?);
    let bytes = |cost: &party::Cost| cost.bytes.iter().fold(Size::zero(), |sum, s| &sum + s);
    let wants = asked
        .wants
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    Some(Formulas {
        rounds: &with.rounds - &without.rounds,
        bytes: &bytes(&with) - &bytes(&without),
        open: with.opaque.into_iter().map(|open| open.what).collect(),
        names: program.sizes.iter().map(|size| size.name.clone()).collect(),
        needs: wants.into_iter().collect(),
    })
}

/// A backend that remembers what it was asked for.
struct Asked<'b> {
    bound: &'b dyn Protocols,
    wants: Mutex<BTreeSet<&'static str>>,
}

impl Protocols for Asked<'_> {
    fn computing(&self) -> &Computing {
        self.bound.computing()
    }

    fn ring_bits(&self) -> u8 {
        self.bound.ring_bits()
    }

    fn int_elem(&self) -> Elem {
        self.bound.int_elem()
    }

    fn trunc_mode(&self) -> TruncMode {
        self.bound.trunc_mode()
    }

    fn sharing(&self, elem: Elem) -> Result<Sharing, Missing> {
        self.bound.sharing(elem)
    }

    fn protocol(&self, want: Want) -> Result<Arc<Flat>, Missing> {
        let found = self.bound.protocol(want)?;
        let mut wants = self.wants.lock().unwrap_or_else(PoisonError::into_inner);
        match want {
            Want::Share(..) | Want::Reveal(..) => {}
            Want::Mul(_) => drop(wants.insert("mul")),
            Want::Trunc(..) => drop(wants.insert("trunc")),
            Want::MulTrunc(..) => {
                wants.insert("mul");
                wants.insert("trunc");
            }
            Want::ToBits(_) => drop(wants.insert("to_bits")),
            Want::Msb(_) => drop(wants.insert("msb")),
            Want::LessThan(_) => drop(wants.insert("less_than")),
            Want::Equal(_) => drop(wants.insert("equal")),
            Want::BitToRing(_) => drop(wants.insert("bit_to_ring")),
            Want::AddBits(_) => drop(wants.insert("add_bits")),
            Want::LessBits(_) => drop(wants.insert("less_bits")),
            Want::Shuffle(_) => drop(wants.insert("shuffle")),
        }
        Ok(found)
    }

    fn keys(&self) -> Vec<Key> {
        self.bound.keys()
    }

    fn corruption(&self) -> Vec<Corruption> {
        self.bound.corruption()
    }

    fn written(&self) -> Vec<Written> {
        self.bound.written()
    }
}
