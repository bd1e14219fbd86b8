//! Names of what all parties of the generated crate share.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use smpc_ir::SizeVar;
use smpc_ir::party::{Block, Op, Party, PartySet, Program};
use smpc_ir::share::{SizeOrigin, Type};

use crate::name::{self, Names};

/// Names of the runtime that variables must not hide.
const RESERVED: &[&str] = &[
    "add",
    "arm",
    "asr",
    "asr_wide",
    "below",
    "below_signed",
    "bit_slice",
    "bits",
    "broadcast",
    "cast",
    "ceil_div",
    "concat",
    "constant",
    "data",
    "decode",
    "div",
    "drop",
    "encode",
    "end",
    "eq",
    "exp",
    "floor_div",
    "fraction_bits",
    "gather",
    "input",
    "inputs",
    "inverse_permutation",
    "iota",
    "larger",
    "ln",
    "log2_ceil",
    "low",
    "lt",
    "matmul",
    "modulo",
    "product",
    "mul",
    "neg",
    "not",
    "out",
    "pack",
    "pass",
    "pass_bits",
    "pass_wide",
    "pick",
    "protocols",
    "public",
    "raw",
    "reduce",
    "rem",
    "reshape",
    "same",
    "scalar",
    "scan",
    "scatter",
    "select",
    "shape",
    "shl",
    "shr",
    "shr_logical",
    "signed",
    "sizes",
    "slice",
    "smaller",
    "sqrt",
    "sub",
    "sum",
    "total",
    "transpose",
    "truth",
    "unpack",
    "wide",
    "word",
];

/// Files of the crate, and modules and crates that its root names.
const MODULES: &[&str] = &[
    "alloc",
    "coins",
    "command",
    "core",
    "lib",
    "main",
    "party",
    "protocols",
    "raw",
    "sizes",
    "smpc_runtime",
    "std",
];

/// Types that a module of their name would hide.
const PRIMITIVES: &[&str] = &[
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16",
    "u32", "u64", "u128", "usize",
];

/// Takes the names of the runtime.
pub(crate) fn reserve(names: &mut Names) {
    for name in RESERVED {
        names.take(name);
    }
}

/// A size or parameter.
pub(crate) struct Public {
    pub name: Ident,
    /// As in the script.
    pub script: String,
    pub doc: String,
}

/// The names.
pub(crate) struct Layout {
    /// Constants of the parties.
    pub parties: Vec<Ident>,
    /// Modules of the parties.
    pub modules: Vec<Ident>,
    /// Sizes and parameters, in that order.
    pub publics: Vec<Public>,
    /// By size variable; loops have none.
    sizes: Vec<Option<Ident>>,
    /// By parameter.
    pub params: Vec<Ident>,
    /// By input.
    pub inputs: Vec<Ident>,
    /// What the script calls each input, for its errors.
    pub shown: Vec<String>,
    /// Name, member of a tuple, field.
    pub outputs: Vec<(String, Option<u16>, Ident)>,
    /// Sets that share streams, with their constants.
    pub sets: Vec<(PartySet, Ident)>,
}

impl Layout {
    pub fn of(program: &Program) -> Self {
        let (mut consts, mut modules) = (Names::default(), Names::default());
        for name in MODULES.iter().chain(PRIMITIVES) {
            modules.take(name);
        }
        let parties: Vec<Ident> = program
            .parties
            .iter()
            .map(|p| consts.unique(&name::constant(p)))
            .collect();
        let modules = program
            .parties
            .iter()
            .map(|p| modules.unique(&name::snake(p)))
            .collect();
        let mut names = Names::default();
        reserve(&mut names);
        let mut publics = vec![];
        let mut given: Vec<Option<Ident>> = vec![];
        for info in &program.sizes {
            given.push(match info.origin {
                SizeOrigin::Input { .. } => {
                    let name = names.unique(&name::snake(&info.name));
                    let doc = format!(" The size `{}`.", info.name);
                    publics.push(Public {
                        name: name.clone(),
                        script: info.name.clone(),
                        doc,
                    });
                    Some(name)
                }
                _ => None,
            });
        }
        let mut params = vec![];
        for param in &program.params {
            let name = names.unique(&name::snake(&param.name));
            let doc = match param.ty {
                Type::Fix(_) => format!(" The parameter `{}`, in units of 2^-64.", param.name),
                _ => format!(" The parameter `{}`.", param.name),
            };
            publics.push(Public {
                name: name.clone(),
                script: param.name.clone(),
                doc,
            });
            params.push(name);
        }
        let sizes = program
            .sizes
            .iter()
            .zip(given)
            .map(|(info, given)| match info.origin {
                SizeOrigin::Param(param) => params.get(param as usize).cloned(),
                _ => given,
            });
        let sizes = sizes.collect();
        let mut fields = Names::default();
        let inputs = program.inputs.iter().map(|input| {
            let mut text = name::snake(&input.file);
            if let Some(column) = &input.column {
                text = format!("{text}_{}", name::snake(column));
            }
            let same = |other: &&smpc_ir::share::Input| {
                other.file == input.file && other.column == input.column
            };
            if program.inputs.iter().filter(same).count() > 1 {
                let party = program.parties.get(usize::from(input.party));
                text = format!("{text}_{}", name::snake(party.map_or("", String::as_str)));
            }
            fields.unique(&text)
        });
        let inputs = inputs.collect();
        let shown = program.inputs.iter().map(|input| match &input.column {
            Some(column) => format!("{}.{column}", input.file),
            None => input.file.clone(),
        });
        let shown = shown.collect();
        let mut outputs = vec![];
        collect_outputs(&program.body, &mut outputs);
        let mut fields = Names::default();
        let outputs = outputs.iter().map(|output| {
            let ident = fields.unique(&field_of(output, &outputs));
            (output.name.to_owned(), output.field, ident)
        });
        let outputs = outputs.collect();
        let mut set_names = Names::default();
        let sets = program
            .coin_sets()
            .into_iter()
            .enumerate()
            .map(|(number, set)| {
                let members: Vec<String> = set
                    .iter()
                    .filter_map(|p| parties.get(usize::from(p.0)))
                    .map(Ident::to_string)
                    .collect();
                let text = if members.len() <= 3 {
                    format!("COINS_{}", members.join("_"))
                } else {
                    format!("COINS_SET_{number}")
                };
                (set, set_names.unique(&text))
            });
        let sets = sets.collect();
        Self {
            parties,
            modules,
            publics,
            sizes,
            params,
            inputs,
            shown,
            outputs,
            sets,
        }
    }

    /// The size or parameter that the script calls so.
    pub fn public_named(&self, script: &str) -> Option<&Ident> {
        let own = self.publics.iter().find(|p| p.script == script);
        own.map(|p| &p.name)
    }

    pub fn size_name(&self, var: SizeVar) -> Option<Ident> {
        self.sizes.get(var.0 as usize).cloned().flatten()
    }

    /// Bits of a size at most: lengths, and what counts to them, are below 2^40, parameters any numbers of 64 bits.
    pub fn size_bits(&self, var: SizeVar) -> u32 {
        let name = self.sizes.get(var.0 as usize).and_then(Option::as_ref);
        if name.is_some_and(|name| self.params.contains(name)) {
            63
        } else {
            40
        }
    }

    pub fn party(&self, party: Party) -> TokenStream {
        let name = self.parties.get(usize::from(party.0));
        quote!(#name)
    }

    pub fn set(&self, set: PartySet) -> Option<Ident> {
        self.sets
            .iter()
            .find(|(own, _)| *own == set)
            .map(|(_, name)| name.clone())
    }

    pub fn output(&self, name: &str, field: Option<u16>) -> Option<Ident> {
        let own = self
            .outputs
            .iter()
            .find(|(n, f, _)| n == name && *f == field);
        own.map(|(_, _, ident)| ident.clone())
    }
}

/// An output, or a member of one.
struct Output<'p> {
    name: &'p str,
    field: Option<u16>,
    label: &'p str,
}

/// The name of an output in generated code: the members of a struct by their names, as columns of inputs are, those of a tuple by
/// their numbers.
fn field_of(output: &Output<'_>, all: &[Output<'_>]) -> String {
    let name = name::snake(output.name);
    let Some(at) = output.field else { return name };
    let members = all.iter().filter(|other| other.name == output.name);
    let mut words = members.flat_map(|member| member.label.split('.'));
    let numbered = words.all(|word| word.bytes().all(|digit| digit.is_ascii_digit()));
    match numbered {
        true => format!("{name}_{at}"),
        false => {
            let words = output
                .label
                .split('.')
                .map(|word| match word.parse::<u16>() {
                    Ok(at) => at.to_string(),
                    Err(_) => name::snake(word),
                });
            format!("{name}_{}", words.collect::<Vec<_>>().join("_"))
        }
    }
}

fn collect_outputs<'p>(block: &'p Block, into: &mut Vec<Output<'p>>) {
    for step in &block.steps {
        match &step.op {
            Op::Output {
                name, field, label, ..
            } => {
                let field = field.map(|(at, _)| at);
                if !into.iter().any(|o| o.name == name && o.field == field) {
                    into.push(Output { name, field, label });
                }
            }
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                collect_outputs(body, into)
            }
            Op::While {
                condition, body, ..
            } => {
                collect_outputs(condition, into);
                collect_outputs(body, into);
            }
            Op::Switch { arms } => arms.iter().for_each(|arm| collect_outputs(arm, into)),
            _ => {}
        }
    }
}
