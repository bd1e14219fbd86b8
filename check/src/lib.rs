//! Scripts: names, types, sizes, knowledge and leakage; the share-level program.
//!
//! Checking is elaboration: one pass walks the syntax tree with abstract values and emits the
//! share-level program. Functions are elaborated at each call, with the labels and sizes of the call.

mod approx;
mod assert;
mod assigned;
mod batch;
mod branch;
mod budget;
mod build;
mod call;
mod canonical;
mod compare;
mod comprehension;
mod contract;
mod convert;
mod draw;
mod elementwise;
mod explain;
mod expr;
mod finish;
mod forms;
mod intrinsic;
mod item;
mod join;
mod known;
mod label;
mod leaks;
mod levels;
mod loops;
mod mark;
mod module;
mod names;
mod number;
mod ops;
mod print;
mod probe;
mod product;
mod shuffle;
mod sizes;
mod stmt;
mod tensor;
mod test;
mod tree;
mod types;
mod validate;
mod value;

use std::collections::BTreeMap;

use smpc_grammar::ast::{ExprKind, FileId, ItemKind, Module};
use smpc_grammar::{Diagnostic, Sources};
use smpc_ir::share::Program;

pub use approx::{Approximation, Found, approximation, revealed};
pub use explain::{codes, explain};
pub use module::library_name;
pub use print::print;
pub use smpc_approx::Work;
pub use test::{Expectation, Test, check_each_test, check_tests};
pub use validate::{Invalid, validate};

/// How `use "./mine.smpc";` finds its file.
pub trait Files {
    /// The text of the file with this name.
    ///
    /// # Errors
    /// Why there is none, in words.
    fn read(&self, name: &str) -> Result<String, String>;
}

/// No files beside the script.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, name: &str) -> Result<String, String> {
        Err(format!("there is no file `{name}`"))
    }
}

/// What is known before a script is checked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The number of members of each family declared with a symbolic count.
    pub families: BTreeMap<String, usize>,
    /// `--set` values; only those that count a family matter here.
    pub sets: Vec<(String, String)>,
}

/// A script without errors.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it computes.
    pub program: Program,
}

/// Checks the root file and gives its program, or every error found.
///
/// # Errors
/// All errors of the script and of what it uses, in order of place.
pub fn check(
    sources: &mut Sources,
    root: FileId,
    files: &dyn Files,
    options: &Options,
) -> Result<Checked, Vec<Diagnostic>> {
    let text = sources
        .get(root)
        .map(|f| f.text.clone())
        .unwrap_or_default();
    let parsed = smpc_grammar::parse(root, &text);
    check_module(
        sources,
        root,
        &parsed.module,
        parsed.diagnostics,
        files,
        options,
    )
}

/// As [`check`], for a file that is parsed already, with its syntax errors.
///
/// # Errors
/// The syntax errors and all others.
pub fn check_module(
    sources: &mut Sources,
    root: FileId,
    module: &Module,
    syntax: Vec<Diagnostic>,
    files: &dyn Files,
    options: &Options,
) -> Result<Checked, Vec<Diagnostic>> {
    let mut elab = build::Elab::new(sources, files, options, syntax);
    elab.load_root(root, module);
    elab.enter(0);
    elab.run(module);
    elab.uncalled();
    let mut diagnostics = std::mem::take(&mut elab.diagnostics);
    if !diagnostics.is_empty() {
        diagnostics.sort_by_key(|d| (d.span.file, d.span.start));
        return Err(diagnostics);
    }
    Ok(Checked {
        program: elab.finish(),
    })
}

/// The party families a file declares with a symbolic count, each with the name of its count:
/// `party employee[n];` gives `("employee", "n")`.
pub fn families(module: &Module) -> Vec<(String, String)> {
    let mut found = vec![];
    for item in &module.items {
        let ItemKind::Party(names) = &item.kind else {
            continue;
        };
        for name in names {
            if let Some(count) = name.indices.first().and_then(|l| l.first())
                && let ExprKind::Path { path, .. } = &count.kind
                && let [count] = path.segments.as_slice()
            {
                found.push((name.ident.name.clone(), count.name.clone()));
            }
        }
    }
    found
}
