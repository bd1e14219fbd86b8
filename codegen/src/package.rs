//! What is handed out: the files of a crate, or one module for another crate.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use smpc_grammar::Sources;
use smpc_ir::party::schedule::{Schedule, schedule};
use smpc_ir::party::{Party, Program, Validated};

use crate::facts::Facts;
use crate::functions::{Catalogue, Found};
use crate::layout::Layout;
use crate::print::{MISTAKE, print, print_text, unmarked};
use crate::root::Subject;
use crate::{File, Module, Options, Runtime, Unsupported, name, part, raw, root, typed};

/// Stack of a thread: expressions nest as deep as those of scripts.
const STACK: usize = 8 << 20;

/// What code is made of.
struct Work<'a> {
    program: &'a Program,
    schedule: Schedule,
    facts: Facts,
    sources: &'a Sources,
    options: &'a Options,
}

impl<'a> Work<'a> {
    fn new(valid: Validated<'a>, sources: &'a Sources, options: &'a Options) -> Self {
        let program = valid.program();
        Self {
            program,
            schedule: schedule(valid),
            facts: Facts::of(program),
            sources,
            options,
        }
    }

    fn subject<'w>(&'w self, layout: &'w Layout, runtime: TokenStream) -> Subject<'w> {
        Subject {
            program: self.program,
            facts: &self.facts,
            sources: self.sources,
            options: self.options,
            layout,
            told: typed::told(self.program),
            runtime,
        }
    }

    /// A party's file of a crate. Each thread makes the names anew: tokens stay where they were made.
    fn party(
        &self,
        party: Party,
        tell: &Sender<Vec<Found>>,
        names: &Receiver<Vec<String>>,
    ) -> Result<String, Unsupported> {
        let layout = Layout::of(self.program);
        let subject = self.subject(&layout, quote!(smpc_runtime));
        let (acts, found) = part::found(&subject, &self.schedule, party)?;
        tell.send(found).map_err(|_| MISTAKE)?;
        let names = names.recv().map_err(|_| MISTAKE)?;
        print(part::part(&subject, &acts, &names, party)?, self.sources)
    }
}

const RAW: &str = " Public values, inputs and outputs as tensors, and the entry that takes them.";

const PROTOCOLS: &str = " What parties compute for the protocols between two messages.";

/// What runs beside the others.
fn spawn<'s, T: Send + 's>(
    scope: &'s Scope<'s, '_>,
    task: impl FnOnce() -> T + Send + 's,
) -> Result<ScopedJoinHandle<'s, T>, Unsupported> {
    let running = Builder::new().stack_size(STACK).spawn_scoped(scope, task);
    running.map_err(|_| Unsupported {
        what: "a thread to write a file",
    })
}

pub(crate) fn package(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options,
) -> Result<Vec<File>, Unsupported> {
    let work = Work::new(valid, sources, options);
    std::thread::scope(|scope| files(&work, scope))
}

fn files<'s>(work: &'s Work<'_>, scope: &'s Scope<'s, '_>) -> Result<Vec<File>, Unsupported> {
    let (program, sources, options) = (work.program, work.sources, work.options);
    let layout = Layout::of(program);
    let subject = work.subject(&layout, quote!(smpc_runtime));
    let mut parties = vec![];
    for party in subject.parties() {
        let (tell, found) = channel();
        let (name, names) = channel();
        let task = move || work.party(party, &tell, &names);
        parties.push((spawn(scope, task)?, found, name));
    }
    let mut catalogue = Catalogue::new();
    let mut running = vec![];
    for (party, found, name) in parties {
        // One that fails says why at its end.
        if let Ok(found) = found.recv() {
            let _ = name.send(catalogue.names(found));
        }
        running.push(party);
    }
    let items = catalogue.into_items();
    let common = match items.is_empty() {
        true => None,
        false => Some(spawn(scope, move || {
            let text = format!("#![doc = {PROTOCOLS:?}] use smpc_runtime::prelude::*; {items}");
            print_text(&text, sources)
        })?),
    };
    let heading = root::heading(&subject);
    let modules = &layout.modules;
    let shared = common.as_ref().map(|_| {
        quote!(
            mod protocols;
        )
    });
    let root = root::root(&subject);
    let root = quote! {
        #(#![doc = #heading])*
        #(pub mod #modules;)*
        #shared
        pub mod raw;
        #root
    };
    let raw = raw::raw(program, sources, &layout, &options.sizes, &subject.runtime)?;
    let crate_name = name::snake(&options.name);
    let mut files = vec![
        File {
            path: "Cargo.toml".into(),
            text: manifest(&crate_name, options),
        },
        File {
            path: "src/lib.rs".into(),
            text: print(root, sources)?,
        },
        File {
            path: "src/main.rs".into(),
            text: binary(&crate_name, options, sources)?,
        },
        File {
            path: "src/raw.rs".into(),
            text: print(quote!(#![doc = #RAW] #raw), sources)?,
        },
    ];
    if let Some(common) = common {
        files.push(File {
            path: "src/protocols.rs".into(),
            text: common.join().map_err(|_| MISTAKE)??,
        });
    }
    for (module, party) in modules.iter().zip(running) {
        files.push(File {
            path: format!("src/{module}.rs"),
            text: party.join().map_err(|_| MISTAKE)??,
        });
    }
    Ok(files)
}

/// In this thread alone: a compiler's tokens belong to it.
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
    let work = Work::new(valid, sources, options);
    let layout = Layout::of(work.program);
    let subject = work.subject(&layout, runtime);
    let runtime = &subject.runtime;
    let mut catalogue = Catalogue::new();
    let mut parties: Vec<(&Ident, TokenStream)> = vec![];
    for (module, party) in layout.modules.iter().zip(subject.parties()) {
        let (acts, found) = part::found(&subject, &work.schedule, party)?;
        let names = catalogue.names(found);
        parties.push((module, part::part(&subject, &acts, &names, party)?));
    }
    let items = catalogue.into_items();
    let shared = match items.is_empty() {
        true => quote!(),
        false => {
            let items: TokenStream = items.parse().map_err(|_| MISTAKE)?;
            quote! {
                #[doc = #PROTOCOLS]
                mod protocols { use #runtime::prelude::*; #items }
            }
        }
    };
    let parties = parties
        .iter()
        .map(|(module, items)| quote!(pub mod #module { #items }));
    let name = format_ident!(
        "{}",
        name::Names::default().unique(&name::snake(&options.name))
    );
    let heading = root::heading(&subject);
    let root = root::root(&subject);
    let raw = raw::raw(work.program, sources, &layout, &options.sizes, runtime)?;
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
        text: print(tokens.clone(), sources)?,
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

fn binary(crate_name: &str, options: &Options, sources: &Sources) -> Result<String, Unsupported> {
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
    print(tokens, sources)
}
