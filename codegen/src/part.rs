//! The module of one party: what it puts in, what it is told, and the code between.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use smpc_ir::party::schedule::Schedule;
use smpc_ir::party::{Party, Program};

use crate::Unsupported;
use crate::docs;
use crate::emit::{Emitter, Stretches};
use crate::functions::{Found, Functions};
use crate::mentioned::Mentioned;
use crate::outline::outline;
use crate::print::{MISTAKE, finished, laid_out};
use crate::project::{Act, project};
use crate::root::{Subject, arguments};
use crate::typed::{scalar, values};

/// What a party of the program does, with calls of the functions that it found.
pub(crate) fn found<'p>(
    program: &'p Program,
    subject: &Subject<'_>,
    schedule: &Schedule,
    party: Party,
) -> Result<(Vec<Act<'p>>, Vec<Found>), Unsupported> {
    let facts = subject.facts;
    let mut functions = Functions::new(program, facts, subject.sources, subject.layout);
    let acts = project(program, facts, schedule, party);
    let acts = outline(facts, &mut functions, acts)?;
    Ok((acts, functions.into_found()))
}

/// The module of a party, given the names of the functions it found.
pub(crate) fn part(
    subject: &Subject<'_>,
    acts: &[Act<'_>],
    functions: &[String],
    party: Party,
) -> Result<TokenStream, Unsupported> {
    match written(subject, acts, functions, party, Stretches::Tokens(vec![]))? {
        (part, Stretches::Tokens(items)) => Ok(quote!(#part #(#items)*)),
        (_, Stretches::Text(_)) => Err(MISTAKE),
    }
}

/// The text of the party's file.
pub(crate) fn text(
    subject: &Subject<'_>,
    acts: &[Act<'_>],
    functions: &[String],
    party: Party,
) -> Result<String, Unsupported> {
    match written(
        subject,
        acts,
        functions,
        party,
        Stretches::Text(String::new()),
    )? {
        (part, Stretches::Text(items)) => {
            Ok(finished(&(laid_out(part)? + &items), subject.sources))
        }
        (_, Stretches::Tokens(_)) => Err(MISTAKE),
    }
}

/// The module of a party without the functions of stretches, and these.
fn written(
    subject: &Subject<'_>,
    acts: &[Act<'_>],
    functions: &[String],
    party: Party,
    stretches: Stretches,
) -> Result<(TokenStream, Stretches), Unsupported> {
    let runtime = &subject.runtime;
    let heading = heading(subject, party);
    let (api, uses) = api(subject, party);
    let (steps, own_uses, stretches) = steps(subject, acts, functions, party, stretches)?;
    let part = quote! {
        #![doc = #heading]

        #own_uses
        use super::raw;
        #uses
        use #runtime::prelude::*;

        #api

        #steps
    };
    Ok((part, stretches))
}

/// What the party's module is about.
fn heading(subject: &Subject<'_>, party: Party) -> String {
    let full = subject.party_name(party);
    format!(" The part of `{full}`.")
}

/// The types of the party's inputs and outputs, and its entry.
fn api(subject: &Subject<'_>, party: Party) -> (TokenStream, TokenStream) {
    let full = subject.party_name(party);
    let inputs = inputs(subject, party);
    let outputs = outputs(subject, party);
    let (has_inputs, has_outputs) = (subject.gives(party), subject.is_told(party));
    let number = subject.layout.party(party);
    let doc = format!(" Carries out the part of `{full}` over its channels to the other parties.");
    let arguments = arguments(subject);
    let formal = &arguments.formal;
    let public = subject.public(&arguments.actual);
    let formal_inputs = has_inputs.then(|| quote!(inputs: &Inputs,));
    let own = if has_inputs {
        quote!(inputs.raw()?)
    } else {
        quote!(raw::Inputs::default())
    };
    let (result, finish) = if has_outputs {
        let run = quote! {
            let (out, _) = raw::run(party::#number, channel, &#public, &#own, seed)?;
            Outputs::from_raw(&out)
        };
        (quote!(Outputs), run)
    } else {
        let run = quote! {
            raw::run(party::#number, channel, &#public, &#own, seed)?;
            Ok(())
        };
        (quote!(()), run)
    };
    let seed = if formal.is_empty() {
        "Without a seed keys come from the operating system; with one the run can be repeated."
    } else {
        "All parties give the same public values. Without a seed keys come from the operating \
         system; with one the run can be repeated."
    };
    let seed = format!(" {seed}");
    let api = quote! {
        #inputs

        #outputs

        #[doc = #doc]
        #[doc = #seed]
        ///
        /// # Errors
        /// An input does not fit, a peer is gone, or the values do not allow an operation.
        pub fn run(
            channel: &mut dyn Channel,
            #(#formal,)*
            #formal_inputs
            seed: Option<u64>,
        ) -> Result<#result, Failure> {
            #finish
        }
    };
    let mentioned = Mentioned::new(&api);
    let names: Vec<Ident> = ["DESCRIPTION", "Params", "Sizes", "party", "public"]
        .iter()
        .filter(|name| mentioned.has(name))
        .map(|name| format_ident!("{name}"))
        .collect();
    let runtime = &subject.runtime;
    // An output may be called `once`, too.
    let told = |once: bool| {
        subject.is_told(party)
            && subject.seen(party).any(|(told, seen)| {
                seen.once == once && subject.layout.output(&told.name, told.field).is_some()
            })
    };
    // The trait has no name in the code: its method does.
    let typed: Vec<Ident> = [
        ("Array", mentioned.has("Array")),
        ("Values", has_inputs || mentioned.has("Values")),
        ("each", told(false)),
        ("once", told(true)),
    ]
    .iter()
    .filter(|(_, wanted)| *wanted)
    .map(|(name, _)| format_ident!("{name}"))
    .collect();
    let typed = (!typed.is_empty()).then(|| quote!(use #runtime::typed::{#(#typed),*};));
    (api, quote!(use super::{#(#names),*}; #typed))
}

fn inputs(subject: &Subject<'_>, party: Party) -> TokenStream {
    if !subject.gives(party) {
        return quote!();
    }
    let full = subject.party_name(party);
    let doc = format!(" What `{full}` puts in.");
    let program = subject.program;
    let own = program.inputs.iter().enumerate();
    let own: Vec<_> = own.filter(|(_, i)| i.party == party.0).collect();
    let fields = own.iter().map(|(at, input)| {
        let name = subject.field(*at);
        let element = scalar(input.ty, input.text, program.ring_bits);
        let ty = values(&element, input.shape.len());
        let file = match &input.column {
            Some(column) => format!("{}.{column}", input.file),
            None => input.file.clone(),
        };
        let mut own = format!("`{file}`: {}", docs::kind(input.ty, input.text));
        own.push_str(&subject.dims(&input.shape));
        own.push('.');
        let docs = docs::joined(docs::above(subject.sources, input.source), &own);
        quote!(#(#[doc = #docs])* pub #name: #ty,)
    });
    let encoded = own.iter().map(|(at, _)| {
        let (name, field) = (&subject.layout.inputs[*at], subject.field(*at));
        let at = Literal::usize_unsuffixed(*at);
        quote!(#name: Some(self.#field.to_tensor(&DESCRIPTION.inputs[#at])?))
    });
    let rest = (own.len() < program.inputs.len()).then(|| quote!(..raw::Inputs::default()));
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Inputs { #(#fields)* }

        impl Inputs {
            /// As the code takes them.
            pub(super) fn raw(&self) -> Result<raw::Inputs, Failure> {
                Ok(raw::Inputs { #(#encoded,)* #rest })
            }
        }
    }
}

fn outputs(subject: &Subject<'_>, party: Party) -> TokenStream {
    if !subject.is_told(party) {
        return quote!();
    }
    let full = subject.party_name(party);
    let doc = format!(" What `{full}` is told.");
    let named: Vec<_> = subject
        .seen(party)
        .filter_map(|(told, seen)| {
            let name = subject.layout.output(&told.name, told.field)?;
            Some((told, seen, name))
        })
        .collect();
    let fields = named.iter().map(|(told, seen, name)| {
        let ty = &seen.rust;
        let member = told
            .field
            .map_or(String::new(), |_| format!(".{}", told.label));
        let kind = docs::kind(told.ty, told.text);
        let dims = subject.dims(seen.shape.unwrap_or_default());
        let often = if seen.once {
            ""
        } else {
            "; each time it is handed out"
        };
        let own = format!("`{}{member}`: {kind}{dims}{often}.", told.name);
        let docs = docs::joined(docs::above(subject.sources, seen.source), &own);
        quote!(#(#[doc = #docs])* pub #name: #ty,)
    });
    let decoded = named.iter().map(|(told, seen, name)| {
        if seen.once {
            let shown = &told.name;
            quote!(#name: once(#shown, &out.#name)?)
        } else {
            quote!(#name: each(&out.#name)?)
        }
    });
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Outputs { #(#fields)* }

        impl Outputs {
            /// From what the code hands out.
            pub(super) fn from_raw(out: &raw::Outputs) -> Result<Self, Failure> {
                Ok(Self { #(#decoded),* })
            }
        }
    }
}

/// The party's code, and the names it uses.
fn steps(
    subject: &Subject<'_>,
    acts: &[Act<'_>],
    functions: &[String],
    party: Party,
    stretches: Stretches,
) -> Result<(TokenStream, TokenStream, Stretches), Unsupported> {
    let (facts, layout) = (subject.facts, subject.layout);
    let public = layout.publics.iter().map(|public| {
        let name = &public.name;
        let statement = match subject.constant(&public.script) {
            Some(constant) => quote!(let #name = sizes::#constant;),
            None => quote!(let #name = public.#name;),
        };
        (name.clone(), statement)
    });
    let mut emitter = Emitter::new(facts, subject.sources, layout, public.collect());
    let functions = functions.iter().map(|name| format_ident!("{name}"));
    emitter.functions = functions.collect();
    emitter.items = stretches;
    let (statements, _) = emitter.block(acts, &[]);
    if let Some(failed) = emitter.failed.take() {
        return Err(failed);
    }
    let body = quote!(#(#statements)*);
    let mut own = std::mem::take(&mut emitter.said);
    let sizes = emitter.sizes_in(&own);
    let sizes = quote!(#(#sizes)*);
    own.extend(Mentioned::new(&sizes));
    let body = quote!(#sizes #body Ok(()));
    let param = |text: &str| -> Ident {
        if own.has(text) {
            format_ident!("{text}")
        } else {
            format_ident!("_{text}")
        }
    };
    let (end, public, inputs, out) = (param("end"), param("public"), param("inputs"), param("out"));
    let mut whole = own;
    whole.extend(emitter.mentioned);
    let mentioned = |names: Vec<&Ident>| -> Vec<Ident> {
        let used = names.into_iter().filter(|name| whole.has_ident(name));
        used.cloned().collect()
    };
    let parties = mentioned(layout.parties.iter().collect());
    let sets = mentioned(layout.sets.iter().map(|(_, name)| name).collect());
    let parties = (!parties.is_empty()).then(|| quote!(use super::party::{#(#parties),*};));
    let sets = (!sets.is_empty()).then(|| quote!(use super::raw::coins::{#(#sets),*};));
    let sizes = whole.has("sizes").then(|| {
        quote!(
            use super::sizes;
        )
    });
    let shared = whole.has("protocols");
    let shared = shared.then(|| {
        quote!(
            use super::protocols;
        )
    });
    let doc = format!(
        " What `{}` computes, draws and sends.",
        subject.party_name(party)
    );
    let code = quote! {
        #[doc = #doc]
        pub(super) fn steps(
            #end: &mut Endpoint<'_>,
            #public: &raw::Public,
            #inputs: &raw::Inputs,
            #out: &mut raw::Outputs,
        ) -> Result<(), Failure> {
            #body
        }
    };
    Ok((code, quote!(#parties #sets #sizes #shared), emitter.items))
}
