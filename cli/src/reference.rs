//! What a module offers: its functions with what they need of a scheme and what they cost.
//!
//! Each function is put into tests of a made-up file, called once with secrets, with nothing revealed and nothing left
//! out because nobody reads it; the same test without the call is taken off.

use crate::load::Loaded;
use crate::pipeline::{self, Backend};
use crate::problem::Failure;
use smpc_check::{NoFiles, Options, Test};
use smpc_grammar::Sources;
use smpc_grammar::ast::{Expr, ExprKind, Function, ItemKind, Span, Type, TypeKind};
use smpc_ir::claim::{Corruption, Written};
use smpc_ir::flat::{Computing, Flat, Key, Missing, Protocols, Sharing, TruncMode, Want};
use smpc_ir::party::Elem;
use smpc_ir::{Size, lower, party};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Elements that a function of numbers is called on.
pub const ELEMENTS: i128 = 64;
/// Every size in the parameters of a function of lists.
pub const LENGTH: i128 = 16;

/// What `sqrt` and its like are on secrets is a function `sqrt_secret`, which is shown as `sqrt`.
const SECRET: &str = "_secret";
/// Single ints of a function that are tried as public ones.
const MOST_INTS: usize = 4;

/// What a call does.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Parameters that are public, because a call with a secret there is an error.
    pub public: Vec<String>,
    /// Operations of the scheme that it needs, as schemes name them.
    pub needs: Vec<&'static str>,
    /// Online rounds; absent if the data decide.
    pub rounds: Option<i128>,
    /// Bytes that all parties send online: for each element, or for lists of [`LENGTH`].
    pub bytes: Option<f64>,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its head, on one line.
    pub signature: String,
    /// What stands above it.
    pub docs: String,
    /// Whether it takes numbers, and lists element by element.
    pub elementwise: bool,
    /// Absent if it is of public values only, or takes what is not made up here: a struct, a tuple.
    pub cost: Option<Cost>,
}

/// The public functions of a module, in its order, with their costs under a backend.
///
/// # Errors
/// The module does not parse.
pub fn entries(
    sources: &mut Sources,
    loaded: &Loaded,
    used: &str,
    backend: &Backend,
) -> Result<Vec<Entry>, Failure> {
    let text = sources
        .get(loaded.file)
        .map(|f| f.text.clone())
        .unwrap_or_default();
    let slice = |span: Span| {
        text.get(span.start as usize..span.end as usize)
            .unwrap_or("")
            .to_owned()
    };
    let functions: Vec<(&Function, &str, Span)> = loaded
        .module
        .items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Fn(function) if item.public => {
                Some((function, item.docs.as_str(), item.span))
            }
            _ => None,
        })
        .collect();
    let twice = |function: &Function| {
        let plain = function.name.name.strip_suffix(SECRET);
        functions
            .iter()
            .any(|(other, ..)| Some(other.name.name.as_str()) == plain)
    };
    let functions: Vec<_> = functions
        .iter()
        .filter(|(function, ..)| !twice(function))
        .copied()
        .collect();
    let mut made = match used {
        "prelude" => String::new(),
        _ => format!("use std::{used} as here;\n"),
    };
    let prefix = if used == "prelude" { "" } else { "here::" };
    for (at, (function, ..)) in functions.iter().enumerate() {
        for public in choices(function) {
            for call in [true, false] {
                if let Some(body) = body(function, prefix, &public, call, &slice) {
                    let name = name(at, &public, call);
                    made.push_str(&format!("test \"{name}\" {{ {body} expect(1, 1); }}\n"));
                }
            }
        }
    }
    let file = sources.add(&format!("costs of {used}"), &made);
    let parsed = smpc_grammar::parse(file, &made);
    let found = smpc_check::check_each_test(
        sources,
        (file, &parsed.module),
        parsed.diagnostics.clone(),
        &NoFiles,
        &Options::default(),
        &|_| true,
    )
    .map_err(Failure::script)?;
    let tests: Vec<Test> = found.into_iter().filter_map(Result::ok).collect();
    let of = |name: String| tests.iter().find(|test| test.name == name);
    let entry = |(at, (function, docs, span)): (usize, &(&Function, &str, Span))| {
        let elementwise = !function.params.iter().any(|group| is_array(&group.ty));
        let cost = choices(function).into_iter().find_map(|public| {
            let (with, without) = (of(name(at, &public, true))?, of(name(at, &public, false))?);
            let cost = cost(with, without, backend, elementwise)?;
            Some(Cost { public, ..cost })
        });
        let end = function
            .body
            .as_ref()
            .map_or(span.end, |body| body.span.start);
        let start = span.start;
        let head = slice(Span {
            start,
            end,
            ..*span
        });
        let words: Vec<&str> = head.split_whitespace().collect();
        let signature = words.join(" ");
        Entry {
            signature: signature.trim_start_matches("pub ").replacen(SECRET, "", 1),
            docs: (*docs).to_owned(),
            elementwise,
            cost,
        }
    };
    Ok(functions.iter().enumerate().map(entry).collect())
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
    call: bool,
    slice: &dyn Fn(Span) -> String,
) -> Option<String> {
    let lifted = !function.params.iter().any(|group| is_array(&group.ty));
    let mut sizes: BTreeSet<String> = BTreeSet::new();
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
                size_names(length, &mut sizes);
                dims.push(slice(length.span));
            }
            element = inner;
        }
        let single = dims.is_empty();
        if single && lifted {
            dims.push(ELEMENTS.to_string());
        }
        let of = dims.join(", ");
        let kind = named(element)?;
        let value = match kind {
            "fix" | "num" | "any" => format!("zeros({of}) * 1.0"),
            "int" => format!("zeros({of})"),
            "bool" => format!("zeros({of}) == 1"),
            _ => return None,
        };
        for name in &group.names {
            let name = &name.ident.name;
            if kind == "int" && single && public.contains(name) {
                arguments.push("2".to_owned());
                continue;
            }
            lines.push_str(&format!("let of_{name} = share ({value}); "));
            arguments.push(format!("of_{name}"));
        }
    }
    let lengths: String = sizes
        .iter()
        .map(|name| format!("let {name} = {LENGTH}; "))
        .collect();
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

fn cost(with: &Test, without: &Test, backend: &Backend, elementwise: bool) -> Option<Cost> {
    let asked = Asked {
        bound: &backend.protocols,
        wants: Mutex::default(),
    };
    let of = |test: &Test, protocols: &dyn Protocols| {
        let options = lower::Options { probes: true };
        let program = lower::lower(&test.program, protocols, options).ok()?;
        Some(party::cost(pipeline::validated(&program).ok()?))
    };
    let (with, without) = (of(with, &asked)?, of(without, &backend.protocols)?);
    let value = |size: &Size| size.evaluate(&|_| None).ok();
    let bytes =
        |cost: &party::Cost| value(&cost.bytes.iter().fold(Size::zero(), |sum, s| &sum + s));
    let difference = |a: Option<i128>, b: Option<i128>| Some(a? - b?);
    let many = if elementwise { ELEMENTS } else { 1 };
    let wants = asked
        .wants
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    Some(Cost {
        public: vec![],
        needs: wants.into_iter().collect(),
        rounds: difference(value(&with.rounds), value(&without.rounds)),
        bytes: difference(bytes(&with), bytes(&without)).map(|bytes| bytes as f64 / many as f64),
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
