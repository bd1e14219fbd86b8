//! Writes the scripts of this folder as Rust, so that the generated code is compiled with the rest.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use smpc_codegen::{Options, Runtime};
use smpc_grammar::Sources;
use smpc_ir::{lower, party};
use smpc_protocol::Library;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=scripts");
    let mut all = String::new();
    for name in ["products", "matrix", "comparisons"] {
        let text = fs::read_to_string(Path::new("scripts").join(format!("{name}.smpc")))?;
        all.push_str(&module(name, &text)?);
    }
    let out = env::var_os("OUT_DIR").ok_or("cargo names no folder for what is written")?;
    fs::write(Path::new(&out).join("generated.rs"), all)?;
    Ok(())
}

/// A script under the backend that it names, as a module.
fn module(name: &str, text: &str) -> Result<String, Box<dyn Error>> {
    let mut sources = Sources::new();
    let root = sources.add(&format!("{name}.smpc"), text);
    let options = smpc_check::Options::default();
    let checked = smpc_check::check(&mut sources, root, &smpc_check::NoFiles, &options)
        .map_err(|errors| format!("{errors:?}"))?;
    let library = Library::standard(&mut sources);
    let bound = library
        .bind("rep3", &[], None)
        .map_err(|errors| format!("{errors:?}"))?;
    let program = lower::lower(&checked.program, &bound, lower::Options::default())
        .map_err(|errors| format!("{errors:?}"))?;
    let valid = party::validate(&program).map_err(|error| format!("{error:?}"))?;
    let options = Options::new(name, Runtime::Within("::smpc_runtime".to_owned()));
    Ok(smpc_codegen::module(valid, &sources, &options)?.text)
}
