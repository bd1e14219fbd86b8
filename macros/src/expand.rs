//! From arguments to the module, or to compile errors.

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use quote::quote;
use smpc_codegen::Runtime;
use smpc_driver::{Binding, Failure, Spelling, compile};
use smpc_grammar::Sources;

use crate::arguments::Arguments;

/// Where the module finds the runtime.
const RUNTIME: &str = "::smpc::runtime";

/// The module. `file` is the file with the call; paths are relative to its folder, as those of
/// `include_str!`, or to the crate's where the compiler does not tell the file.
pub fn expand(arguments: &Arguments, file: Option<&Path>) -> TokenStream {
    let base = base(file);
    let span = arguments.script.span();
    let path = PathBuf::from(arguments.script.value());
    let binding = Binding {
        base: base.clone(),
        inputs: arguments.inputs.as_ref().map(PathBuf::from),
        scheme: arguments.scheme.clone(),
        parties: arguments.parties,
        set: arguments.sets.clone(),
        roster: None,
        spelling: Spelling::Rust,
    };
    let name = match &arguments.module {
        Some(name) => name.to_string(),
        None => {
            let stem = path.file_stem().unwrap_or_default();
            stem.to_string_lossy().into_owned()
        }
    };
    let mut sources = Sources::new();
    let module = compile(&mut sources, &path, &binding).and_then(|compiled| {
        let runtime = Runtime::Within(RUNTIME.to_owned());
        let module = compiled.module(&sources, &name, runtime, &arguments.sizes)?;
        Ok((module, compiled.files(&sources)))
    });
    match module {
        Ok((module, files)) => {
            let tokens = module.tokens;
            let tracked = files.iter().map(|file| tracked(&base.join(file)));
            quote!(#tokens #(#tracked)*)
        }
        Err(failure) => errors(&failure, &sources, span),
    }
}

fn base(file: Option<&Path>) -> PathBuf {
    let current = || std::env::current_dir().unwrap_or_default();
    match file.and_then(Path::parent) {
        Some(folder) => current().join(folder),
        None => match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => folder.into(),
            None => current(),
        },
    }
}

/// Makes the compiler look again when the file changes.
fn tracked(path: &Path) -> TokenStream {
    let path = path.to_string_lossy();
    quote!(
        const _: &[u8] = include_bytes!(#path);
    )
}

fn errors(failure: &Failure, sources: &Sources, span: Span) -> TokenStream {
    let lines = failure.lines(sources).into_iter();
    lines
        .map(|line| syn::Error::new(span, line).to_compile_error())
        .collect()
}
