//! What is handed out: the files of a crate, or one module for another crate.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use smpc_grammar::Sources;
use smpc_ir::party::schedule::{Schedule, schedule};
use smpc_ir::party::{Party, Program, Validated};

use crate::facts::Facts;
use crate::functions::{Catalogue, Found};
use crate::layout::Layout;
use crate::print::{MISTAKE, print, print_text, unmarked};
use crate::project::Act;
use crate::root::Subject;
use crate::workers::each;
use crate::{File, Module, Options, Runtime, Unsupported, name, part, raw, root, typed};

/// What code is made of.
struct Work<'a> {
    program: &'a Program,
    schedule: Schedule,
    facts: Facts<'a>,
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

    /// What a party does, and the functions it calls.
    fn found(&self, party: Party) -> Result<(Vec<Act<'a>>, Vec<Found>), Unsupported> {
        let layout = Layout::of(self.program);
        let subject = self.subject(&layout, quote!(smpc_runtime));
        part::found(self.program, &subject, &self.schedule, party)
    }

    /// The text of a file. Each makes the names anew: tokens stay in the thread that made them.
    fn text(&self, page: Page<'_>) -> Result<String, Unsupported> {
        let (sources, options) = (self.sources, self.options);
        let layout = Layout::of(self.program);
        let subject = self.subject(&layout, quote!(smpc_runtime));
        match page {
            Page::Party(party, acts, names) => part::text(&subject, &acts, &names, party),
            Page::Protocols(items) => {
                let text = format!("#![doc = {PROTOCOLS:?}] use smpc_runtime::prelude::*; {items}");
                print_text(&text, sources)
            }
            Page::Root { shared } => {
                let heading = root::heading(&subject);
                let modules = &layout.modules;
                let shared = shared.then(|| {
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
                print(root, sources)
            }
            Page::Raw => {
                let runtime = &subject.runtime;
                let raw = raw::raw(self.program, sources, &layout, &options.sizes, runtime)?;
                print(quote!(#![doc = #RAW] #raw), sources)
            }
            Page::Binary => binary(&name::of_crate(&options.name), options, sources),
        }
    }
}

/// A file to write.
enum Page<'p> {
    /// A party's, with the names of the functions it calls.
    Party(Party, Vec<Act<'p>>, Vec<String>),
    /// The functions that parties share.
    Protocols(String),
    Root {
        /// Whether there are such functions.
        shared: bool,
    },
    Raw,
    Binary,
}

const RAW: &str = " Public values, inputs and outputs as tensors, and the entry that takes them.";

const PROTOCOLS: &str = " What parties compute for the protocols between two messages.";

pub(crate) fn package(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options,
) -> Result<Vec<File>, Unsupported> {
    let work = Work::new(valid, sources, options);
    let layout = Layout::of(work.program);
    let parties: Vec<Party> = work.subject(&layout, quote!()).parties().collect();
    let mut catalogue = Catalogue::new();
    let mut pages = vec![];
    let found = each(parties.clone(), |party| work.found(party))?;
    for ((party, module), found) in parties.into_iter().zip(&layout.modules).zip(found) {
        let (acts, found) = found?;
        let page = Page::Party(party, acts, catalogue.names(found));
        pages.push((format!("src/{module}.rs"), page));
    }
    let items = catalogue.into_items();
    let shared = !items.is_empty();
    if shared {
        pages.insert(0, ("src/protocols.rs".into(), Page::Protocols(items)));
    }
    pages.push(("src/lib.rs".into(), Page::Root { shared }));
    pages.push(("src/raw.rs".into(), Page::Raw));
    pages.push(("src/main.rs".into(), Page::Binary));
    let (paths, pages): (Vec<String>, Vec<Page<'_>>) = pages.into_iter().unzip();
    let mut files = vec![File {
        path: "Cargo.toml".into(),
        text: manifest(&name::of_crate(&options.name), options),
    }];
    for (path, text) in paths.into_iter().zip(each(pages, |page| work.text(page))?) {
        files.push(File { path, text: text? });
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
        let (acts, found) = part::found(work.program, &subject, &work.schedule, party)?;
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
