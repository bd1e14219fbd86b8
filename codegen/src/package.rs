//! What is handed out: the files of a crate, or one module for another crate.

use std::thread::Scope;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use smpc_grammar::Sources;
use smpc_ir::party::Validated;
use smpc_ir::party::schedule::schedule;

use crate::facts::Facts;
use crate::functions::Functions;
use crate::layout::Layout;
use crate::print::{Printing, print, unmarked};
use crate::root::Subject;
use crate::{File, Module, Options, Runtime, Unsupported, name, part, raw, root, typed};

/// The parts of generated code; each may stand in a file or in a module of its own.
struct Parts<P> {
    heading: Vec<String>,
    root: TokenStream,
    raw: TokenStream,
    /// What parties share of protocols; empty if there is nothing.
    protocols: TokenStream,
    /// By party: its module, and what was made of it.
    parties: Vec<(Ident, P)>,
    /// Of all parties' code.
    comments: Vec<String>,
}

/// `written` takes the heading and the items of a party as soon as they are written.
fn parts<P>(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options,
    runtime: TokenStream,
    mut written: impl FnMut(String, TokenStream) -> Result<P, Unsupported>,
) -> Result<Parts<P>, Unsupported> {
    let program = valid.program();
    let schedule = schedule(valid);
    let layout = Layout::of(program);
    let facts = Facts::of(program);
    let subject = Subject {
        program,
        facts: &facts,
        sources,
        options,
        layout: &layout,
        told: typed::told(program),
        runtime,
    };
    let mut functions = Functions::new(program, &facts, sources, &layout);
    let mut parties = vec![];
    for (module, party) in layout.modules.iter().zip(subject.parties()) {
        let items = part::part(&subject, &schedule, &mut functions, party)?;
        let heading = part::heading(&subject, party);
        parties.push((module.clone(), written(heading, items)?));
    }
    let raw = raw::raw(program, sources, &layout, &options.sizes, &subject.runtime)?;
    Ok(Parts {
        heading: root::heading(&subject),
        root: root::root(&subject),
        raw,
        protocols: protocols(&functions, &subject.runtime),
        parties,
        comments: functions.comments,
    })
}

const RAW: &str = " Public values, inputs and outputs as tensors, and the entry that takes them.";

const PROTOCOLS: &str = " What parties compute for the protocols between two messages.";

fn protocols(functions: &Functions<'_>, runtime: &TokenStream) -> TokenStream {
    let items = functions.items();
    if items.is_empty() {
        return quote!();
    }
    quote!(use #runtime::prelude::*; #(#items)*)
}

pub(crate) fn package(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options,
) -> Result<Vec<File>, Unsupported> {
    std::thread::scope(|scope| files(valid, sources, options, scope))
}

fn files<'s>(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options,
    scope: &'s Scope<'s, '_>,
) -> Result<Vec<File>, Unsupported> {
    let file = |heading: String, items: TokenStream| {
        Printing::begin(scope, quote!(#![doc = #heading] #items))
    };
    let Parts {
        heading,
        root,
        raw,
        protocols,
        parties,
        comments,
    } = parts(valid, sources, options, quote!(smpc_runtime), file)?;
    let crate_name = name::snake(&options.name);
    let modules = parties.iter().map(|(module, ..)| module);
    let shared = (!protocols.is_empty()).then(|| {
        quote!(
            mod protocols;
        )
    });
    let common = match protocols.is_empty() {
        true => None,
        false => Some(file(PROTOCOLS.to_owned(), protocols)?),
    };
    let root = quote! {
        #(#![doc = #heading])*
        #(pub mod #modules;)*
        #shared
        pub mod raw;
        #root
    };
    let mut files = vec![
        File {
            path: "Cargo.toml".into(),
            text: manifest(&crate_name, options),
        },
        File {
            path: "src/lib.rs".into(),
            text: print(root, &comments)?,
        },
        File {
            path: "src/main.rs".into(),
            text: binary(&crate_name, options)?,
        },
        File {
            path: "src/raw.rs".into(),
            text: print(quote!(#![doc = #RAW] #raw), &comments)?,
        },
    ];
    if let Some(common) = common {
        files.push(File {
            path: "src/protocols.rs".into(),
            text: common.finish(&comments)?,
        });
    }
    for (module, party) in parties {
        files.push(File {
            path: format!("src/{module}.rs"),
            text: party.finish(&comments)?,
        });
    }
    Ok(files)
}

pub(crate) fn module(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options,
) -> Result<Module, Unsupported> {
    let runtime = match &options.runtime {
        Runtime::Within(path) => path.parse().map_err(|_| Unsupported {
            what: "a runtime whose path is no path",
        })?,
        Runtime::Path(_) | Runtime::Version(_) => quote!(::smpc_runtime),
    };
    let Parts {
        heading,
        root,
        raw,
        protocols,
        parties,
        comments,
    } = parts(valid, sources, options, runtime, |heading, items| {
        Ok((heading, items))
    })?;
    let name = format_ident!(
        "{}",
        name::Names::default().unique(&name::snake(&options.name))
    );
    let parties = parties.iter().map(|(module, (heading, items))| {
        quote! {
            #[doc = #heading]
            pub mod #module { #items }
        }
    });
    let shared = (!protocols.is_empty()).then(|| {
        quote! {
            #[doc = #PROTOCOLS]
            mod protocols { #protocols }
        }
    });
    let tokens = quote! {
        #(#[doc = #heading])*
        #[allow(dead_code, missing_docs, unused_imports, clippy::all, clippy::pedantic)]
        pub mod #name {
            #root

            #(#parties)*

            #shared

            #[doc = #RAW]
            pub mod raw { #raw }
        }
    };
    Ok(Module {
        text: print(tokens.clone(), &comments)?,
        tokens: unmarked(tokens),
    })
}

fn manifest(name: &str, options: &Options) -> String {
    let runtime = match &options.runtime {
        Runtime::Path(path) => format!("{{ path = {path:?} }}"),
        Runtime::Version(version) | Runtime::Within(version) => format!("{version:?}"),
    };
    let name = name.replace('_', "-");
    format!(
        "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\nsmpc-runtime = {runtime}\n\n\
         # The loops over elements stand in one place each: optimising across parts of the crate only costs time.\n\
         [profile.release]\nlto = \"off\"\n\n\
         # A project of its own, also inside of another one's folder.\n[workspace]\n"
    )
}

fn binary(crate_name: &str, options: &Options) -> Result<String, Unsupported> {
    let library = format_ident!("{crate_name}");
    let doc = format!(
        " The program of `{}`: `--help` tells its options.",
        options.name
    );
    let tokens = quote! {
        #![doc = #doc]

        use std::process::ExitCode;

        use #library::DESCRIPTION;
        use #library::raw::{Inputs, Public, run};
        use smpc_runtime::command;

        fn main() -> ExitCode {
            command::main(&DESCRIPTION, |party, channel, public, inputs, seed| {
                let public = Public::from_list(public);
                let inputs = Inputs::from_list(inputs);
                let (outputs, account) = run(party, channel, &public, &inputs, seed)?;
                Ok((outputs.into_list(), account))
            })
        }
    };
    print(tokens, &[])
}
