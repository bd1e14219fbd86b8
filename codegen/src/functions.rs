//! Functions that all parties share: the parts of protocols.

use rustc_hash::FxHashMap as HashMap;

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::{format_ident, quote};
use smpc_grammar::Sources;
use smpc_ir::local::Source;
use smpc_ir::party::{Program, Value};

use crate::Unsupported;
use crate::emit::Emitter;
use crate::facts::Facts;
use crate::fuse::Pass;
use crate::layout::{Layout, reserve};
use crate::moved;
use crate::name::{self, Names};
use crate::needed::captures;
use crate::outline::Call;
use crate::project::Act;

/// A function as a party finds it: its name follows when all parties have been asked.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The name it has if no other has it.
    name: String,
    docs: Vec<String>,
    /// Parameters and body: functions of the same text are one.
    code: String,
}

/// The functions of all parties.
pub(crate) struct Catalogue {
    names: Names,
    /// By parameters and body.
    known: HashMap<String, String>,
    items: String,
}

impl Catalogue {
    pub fn new() -> Self {
        let mut names = Names::default();
        reserve(&mut names);
        Self {
            names,
            known: HashMap::default(),
            items: String::new(),
        }
    }

    /// The names of what a party found.
    pub fn names(&mut self, found: Vec<Found>) -> Vec<String> {
        found.into_iter().map(|found| self.name(found)).collect()
    }

    fn name(&mut self, found: Found) -> String {
        if let Some(known) = self.known.get(&found.code) {
            return known.clone();
        }
        let name = self.names.unique(&found.name).to_string();
        for line in found.docs {
            let line = Literal::string(&line);
            self.items.push_str(&format!("#[doc = {line}]\n"));
        }
        let code = &found.code;
        self.items
            .push_str(&format!("pub(super) fn {name} {code}\n"));
        self.known.insert(found.code, name.clone());
        name
    }

    /// The text of the functions that were named since the last time, not laid out.
    pub fn take_items(&mut self) -> String {
        std::mem::take(&mut self.items)
    }
}

/// The functions that a party has called so far.
pub(crate) struct Functions<'a> {
    program: &'a Program,
    facts: &'a Facts<'a>,
    sources: &'a Sources,
    layout: &'a Layout,
    /// By parameters and body.
    known: HashMap<String, usize>,
    found: Vec<Found>,
}

impl<'a> Functions<'a> {
    pub fn new(
        program: &'a Program,
        facts: &'a Facts<'a>,
        sources: &'a Sources,
        layout: &'a Layout,
    ) -> Self {
        Self {
            program,
            facts,
            sources,
            layout,
            known: HashMap::default(),
            found: vec![],
        }
    }

    /// A call of the function that carries out these acts, the `part`-th ones of an instance.
    pub fn call<'p>(
        &mut self,
        instance: u32,
        part: usize,
        acts: &[Act<'p>],
        results: Vec<Value>,
        kept: Vec<Value>,
        source: Source,
    ) -> Result<Call, Unsupported> {
        let facts = self.facts;
        let mut read = captures(acts, &[]);
        read.retain(|v| !facts.is_written_where_read(*v));
        let (coins, args): (Vec<Value>, Vec<Value>) =
            read.iter().partition(|v| facts.is_reserved(**v));
        let mut emitter = Emitter::shared(facts, self.sources, self.layout);
        let coin_names = emitter.parameters(&coins, instance);
        let arg_names = emitter.parameters(&args, instance);
        let tail = [&results[..], &kept[..]].concat();
        let (mut statements, mut handed) = emitter.block(acts, &tail);
        if let Some(failed) = emitter.failed.take() {
            return Err(failed);
        }
        let kept_handed = handed.split_off(results.len());
        let value = match acts.last() {
            // What the last pass gives is what the function gives.
            Some(Act::Pass(pass)) if several_alone(pass, &results, &kept) => {
                statements.pop().and_then(right_side)
            }
            _ => None,
        };
        let value = value.unwrap_or_else(|| {
            let value = result_value(&handed, &kept_handed);
            quote!(Ok(#value))
        });
        let shared = emitter.shared_parameters();
        let mut body: TokenStream = statements.into_iter().collect();
        body.extend(value);
        let end = shared.draws.then(|| quote!(end: &mut Endpoint<'_>,));
        let sets: Vec<Ident> = shared.sets.iter().map(|(_, name)| name.clone()).collect();
        let shapes: Vec<Ident> = shared.shapes.iter().map(|(_, name)| name.clone()).collect();
        let sizes: Vec<Ident> = shared.sizes.iter().map(|(_, name)| name.clone()).collect();
        let parameters = [
            parameter("sets", &sets, quote!(usize)),
            parameter("shapes", &shapes, quote!(&[i128])),
            parameter("sizes", &sizes, quote!(i128)),
            parameter("coins", &coin_names, quote!(&Coin)),
            parameter("values", &arg_names, quote!(&Tensor)),
        ];
        let formal = parameters.iter().map(|(formal, _)| formal);
        let named = parameters.iter().map(|(_, named)| named);
        let ty = result_type(results.len(), kept.len());
        let head = quote!((#end #(#formal)*) -> Result<#ty, LocalError>);
        let code = format!("{head} {{ {} {body} }}", quote!(#(#named)*));
        let function = match self.known.get(&code) {
            Some(known) => *known,
            None => {
                let call = self.program.calls.get(instance as usize);
                let protocol = call.map_or("protocol", |call| &call.name);
                let number = self.found.len();
                self.known.insert(code.clone(), number);
                self.found.push(Found {
                    name: format!("{}_{part}", name::snake(protocol)),
                    docs: self.docs(protocol, part, acts),
                    code,
                });
                number
            }
        };
        Ok(Call {
            function,
            draws: shared.draws,
            sets: shared.sets.into_iter().map(|(set, _)| set).collect(),
            shapes: shared.shapes.into_iter().map(|(shape, _)| shape).collect(),
            sizes: shared.sizes.into_iter().map(|(size, _)| size).collect(),
            coins,
            args,
            results,
            kept,
            source,
        })
    }

    /// Which lines of the protocol the function is.
    fn docs(&self, protocol: &str, part: usize, acts: &[Act<'_>]) -> Vec<String> {
        let mut lines: Vec<(String, usize)> = vec![];
        let mut add = |value: Value| {
            if let Some((Some(origin), _)) = self.facts.place(value)
                && let Some(line) = name::line(self.sources, origin.source)
            {
                lines.push((line.file.to_owned(), line.number));
            }
        };
        for act in acts {
            match act {
                Act::Local { result, .. } | Act::Coin { result, .. } => add(*result),
                Act::Pass(pass) => pass.members.iter().for_each(|m| add(m.result)),
                _ => {}
            }
        }
        lines.sort();
        lines.dedup();
        let mut places: Vec<String> = vec![];
        for file in lines.chunk_by(|a, b| a.0 == b.0) {
            places.push(match file {
                [(name, one)] => format!("line {one} of {name}"),
                [(name, _), ..] => {
                    let numbers: Vec<String> = file.iter().map(|(_, n)| n.to_string()).collect();
                    format!("lines {} of {name}", numbers.join(", "))
                }
                [] => continue,
            });
        }
        let place = if places.is_empty() {
            String::new()
        } else {
            format!(": from {}", places.join(", "))
        };
        vec![format!(
            " Part {part} of what a party computes for `{protocol}`{place}."
        )]
    }

    /// The functions, in the order of the numbers in calls.
    pub fn into_found(self) -> Vec<Found> {
        self.found
    }
}

/// A parameter for so many values, and the statement that names them: one is a parameter of its own,
/// several are an array.
pub(crate) fn parameter(
    label: &str,
    names: &[Ident],
    ty: TokenStream,
) -> (TokenStream, TokenStream) {
    let label = format_ident!("{label}");
    let count = Literal::usize_unsuffixed(names.len());
    match names {
        [] => (quote!(), quote!()),
        [one] => (quote!(#one: #ty,), quote!()),
        names => (
            quote!(#label: [#ty; #count],),
            quote!(let [#(#names),*] = #label;),
        ),
    }
}

/// What a call gives for such a parameter.
pub(crate) fn argument(mut values: Vec<TokenStream>) -> Option<TokenStream> {
    match values.len() {
        0 | 1 => values.pop(),
        _ => Some(moved::list(values)),
    }
}

/// The type of so many tensors and coins.
pub(crate) fn result_type(results: usize, kept: usize) -> TokenStream {
    let coins = match kept {
        0 => None,
        1 => Some(quote!(Coin)),
        _ => Some(quote!(Vec<Coin>)),
    };
    together(several(quote!(Tensor), results).into_iter().chain(coins))
}

/// So many of a type.
pub(crate) fn several(ty: TokenStream, count: usize) -> Option<TokenStream> {
    let length = Literal::usize_unsuffixed(count);
    match count {
        0 => None,
        1 => Some(ty),
        _ => Some(quote!([#ty; #length])),
    }
}

/// Whether a pass gives several results, and they are all that is handed out, in their order.
fn several_alone(pass: &Pass<'_>, results: &[Value], kept: &[Value]) -> bool {
    kept.is_empty() && results.len() > 1 && pass.outputs == results
}

/// What stands on the right in `let [a, b] = …?;`, without the `?`.
fn right_side(statement: TokenStream) -> Option<TokenStream> {
    let mut tokens: Vec<TokenTree> = statement.into_iter().skip(3).collect();
    for end in [';', '?'] {
        match tokens.pop()? {
            TokenTree::Punct(mark) if mark.as_char() == end => {}
            _ => return None,
        }
    }
    Some(tokens.into_iter().collect())
}

/// The value of that type.
fn result_value(results: &[TokenStream], kept: &[TokenStream]) -> TokenStream {
    together(list(results).into_iter().chain(coins(kept)))
}

/// One coin by itself, several as a vector.
pub(crate) fn coins(kept: &[impl quote::ToTokens]) -> Option<TokenStream> {
    match kept {
        [] => None,
        [one] => Some(quote!(#one)),
        all => Some(quote!(vec![#(#all),*])),
    }
}

/// One by itself, several as an array.
pub(crate) fn list(all: &[impl quote::ToTokens]) -> Option<TokenStream> {
    match all {
        [] => None,
        [one] => Some(quote!(#one)),
        all => Some(quote!([#(#all),*])),
    }
}

/// One by itself, several as a tuple.
pub(crate) fn together(groups: impl Iterator<Item = TokenStream>) -> TokenStream {
    let groups: Vec<TokenStream> = groups.collect();
    match &groups[..] {
        [one] => one.clone(),
        groups => quote!((#(#groups),*)),
    }
}
