//! What is handed out: the files of a crate, or one module for another crate.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

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
use crate::workers::work;
use crate::{File, Module, Options, Runtime, Unsupported, name, part, raw, root, typed};

/// What code is made of.
struct Work<'a> {
    program: &'a Program,
    schedule: Schedule,
    facts: Facts<'a>,
    sources: &'a Sources,
    options: &'a Options<'a>,
}

impl<'a> Work<'a> {
    fn new(valid: Validated<'a>, sources: &'a Sources, options: &'a Options<'a>) -> Self {
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
            Page::Protocols { first, items } => {
                let heading = format!("#![doc = {PROTOCOLS:?}] use smpc_runtime::prelude::*; ");
                let heading = if first { &heading } else { "" };
                let text = print_text(&format!("{heading}{items}"), sources)?;
                Ok(if first { text } else { format!("\n{text}") })
            }
            Page::Root { shared } => {
                let identity = options.identity();
                let heading = root::heading(&subject, &identity);
                let modules = &layout.modules;
                let shared = shared.then(|| {
                    quote!(
                        mod protocols;
                    )
                });
                let root = root::root(&subject, &identity);
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
    /// Functions that parties share: those that a party is the first to call.
    Protocols {
        /// Whether the file begins with them.
        first: bool,
        items: String,
    },
    Root {
        /// Whether there are such functions.
        shared: bool,
    },
    Raw,
    Binary,
}

const RAW: &str = " Public values, inputs and outputs as tensors, and the entry that takes them.";

const PROTOCOLS: &str = " What parties compute for the protocols between two messages.";

/// The place of the functions that parties share among the files; the parties' follow.
const SHARED: usize = 0;

/// What a worker is to do.
enum Job<'p> {
    /// Find the functions of the party at this place.
    Find(usize),
    /// Write a page at this place among the files, and among the pages of its file.
    Write((usize, usize), Page<'p>),
}

/// Functions get their names in the order of the parties, whichever was found first.
struct Naming<'p> {
    catalogue: Catalogue,
    /// How many parties have names for their functions.
    named: usize,
    /// How many pages of functions that parties share there are.
    shared: usize,
    /// Parties that wait for those before them.
    found: Vec<Option<(Vec<Act<'p>>, Vec<Found>)>>,
}

impl<'p> Naming<'p> {
    /// Takes what a party does; gives the pages that can be written now.
    fn take(
        &mut self,
        parties: &[Party],
        at: usize,
        found: (Vec<Act<'p>>, Vec<Found>),
    ) -> Vec<Job<'p>> {
        let mut pages = vec![];
        if let Some(place) = self.found.get_mut(at) {
            *place = Some(found);
        }
        while let Some(party) = parties.get(self.named)
            && let Some((acts, found)) = self.found[self.named].take()
        {
            let page = Page::Party(*party, acts, self.catalogue.names(found));
            self.named += 1;
            pages.push(Job::Write((self.named, 0), page));
            let items = self.catalogue.take_items();
            if !items.is_empty() {
                let first = self.shared == 0;
                let page = Page::Protocols { first, items };
                pages.push(Job::Write((SHARED, self.shared), page));
                self.shared += 1;
            }
        }
        if self.named == parties.len() {
            let shared = self.shared > 0;
            let rest = [Page::Root { shared }, Page::Raw, Page::Binary];
            let rest = rest.into_iter().enumerate();
            pages.extend(rest.map(|(at, page)| Job::Write((self.named + 1 + at, 0), page)));
        }
        pages
    }
}

pub(crate) fn package(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options<'_>,
) -> Result<Vec<File>, Unsupported> {
    let own = Work::new(valid, sources, options);
    let layout = Layout::of(own.program);
    let parties: Vec<Party> = own.subject(&layout, quote!()).parties().collect();
    let modules = layout.modules.iter().map(|module| module.to_string());
    let names = std::iter::once("protocols".to_owned())
        .chain(modules)
        .chain(["lib", "raw", "main"].map(str::to_owned));
    let paths: Vec<String> = names.map(|name| format!("src/{name}.rs")).collect();
    let naming = Mutex::new(Naming {
        catalogue: Catalogue::new(),
        named: 0,
        shared: 0,
        found: parties.iter().map(|_| None).collect(),
    });
    let written: Mutex<BTreeMap<(usize, usize), String>> = Mutex::default();
    let failed: Mutex<BTreeMap<(usize, usize), Unsupported>> = Mutex::default();
    // Nothing that is locked is left half done by a panic.
    let fail = |at, error| {
        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.insert(at, error);
        vec![]
    };
    let first = (0..parties.len()).map(Job::Find).collect();
    work(first, |job| match job {
        Job::Find(at) => match parties.get(at).map(|party| own.found(*party)) {
            Some(Ok(found)) => {
                let mut naming = naming.lock().unwrap_or_else(PoisonError::into_inner);
                naming.take(&parties, at, found)
            }
            Some(Err(error)) => fail((at, 0), error),
            None => vec![],
        },
        Job::Write(at, page) => match own.text(page) {
            Ok(text) => {
                let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                written.insert(at, text);
                vec![]
            }
            Err(error) => fail(at, error),
        },
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, error)) = failed.pop_first() {
        return Err(error);
    }
    let written = written.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut texts: Vec<String> = vec![String::new(); paths.len()];
    for ((at, _), page) in written {
        texts[at].push_str(&page);
    }
    // There need not be functions that parties share; all other files are there.
    if texts.iter().skip(SHARED + 1).any(String::is_empty) {
        return Err(MISTAKE);
    }
    let files = paths
        .into_iter()
        .zip(texts)
        .map(|(path, text)| File { path, text });
    let mut files: Vec<File> = files.filter(|file| !file.text.is_empty()).collect();
    let manifest = File {
        path: MANIFEST.into(),
        text: manifest(&name::of_crate(&options.name), options, &files),
    };
    files.insert(0, manifest);
    Ok(files)
}

/// The file that names the others.
pub const MANIFEST: &str = "Cargo.toml";

/// The heading of the table that lists the generated files in a crate's manifest.
const TABLE: &str = "[package.metadata.smpc]";

/// The files in `src/` that a generated crate's manifest lists; `None` if it is not the manifest of one. Paths
/// that a generated crate cannot have are left out.
pub fn listed(manifest: &str) -> Option<Vec<&str>> {
    let mut lines = manifest.lines().map(str::trim);
    lines.find(|line| *line == TABLE)?;
    let entries = lines.take_while(|line| !line.starts_with(']') && !line.starts_with('['));
    let files = entries.filter_map(|line| line.strip_prefix('"')?.strip_suffix("\","));
    let own = |path: &&str| {
        let name = path
            .strip_prefix("src/")
            .and_then(|p| p.strip_suffix(".rs"));
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.is_some_and(|name| !name.is_empty() && name.chars().all(part))
    };
    Some(files.filter(own).collect())
}

/// In this thread alone: a compiler's tokens belong to it.
pub(crate) fn module(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options<'_>,
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
    let items = catalogue.take_items();
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
    let name = name::of_module(&options.name);
    let identity = options.identity();
    let heading = root::heading(&subject, &identity);
    let root = root::root(&subject, &identity);
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

fn manifest(name: &str, options: &Options<'_>, files: &[File]) -> String {
    let runtime = match &options.runtime {
        Runtime::Path(path) => format!("{{ path = {path:?} }}"),
        Runtime::Version(version) | Runtime::Within(version) => format!("{version:?}"),
    };
    let name = name.replace('_', "-");
    let files: Vec<String> = files
        .iter()
        .map(|f| format!("    {:?},\n", f.path))
        .collect();
    let files = files.concat();
    format!(
        "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\nsmpc-runtime = {runtime}\n\n\
         # The loops over elements stand in one place each: optimising across parts of the crate only costs time.\n\
         # A panic would be a bug, and ends the party: code to unwind takes rustc half as long again.\n\
         [profile.release]\nlto = \"off\"\npanic = \"abort\"\n\n\
         # So the runtime is optimised as a whole, once: in parts it would take twice as long to run.\n\
         [profile.release.package.\"*\"]\ncodegen-units = 1\n\n\
         # These files are written anew, or removed, when the crate is generated again.\n\
         {TABLE}\nfiles = [\n{files}]\n\n\
         # A project of its own, also inside of another one's folder.\n[workspace]\n"
    )
}

fn binary(
    crate_name: &str,
    options: &Options<'_>,
    sources: &Sources,
) -> Result<String, Unsupported> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_lists_its_files() {
        let files = ["src/lib.rs", "src/alice.rs"].map(|path| File {
            path: path.to_owned(),
            text: String::new(),
        });
        let options = Options::new("mean", Runtime::Version("1.0.0".into()));
        let text = manifest("mean", &options, &files);
        assert_eq!(listed(&text), Some(vec!["src/lib.rs", "src/alice.rs"]));
        assert_eq!(listed("[package]\nname = \"mine\"\n"), None);
        // Nothing outside of the crate's own folder is taken for one of its files.
        let hostile =
            format!("{TABLE}\nfiles = [\n\"src/../../x.rs\",\n\"/etc/x\",\n\"src/a.rs\",\n]\n");
        assert_eq!(listed(&hostile), Some(vec!["src/a.rs"]));
    }
}
