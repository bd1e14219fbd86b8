//! For build scripts: a script becomes a Rust file in `OUT_DIR`, for `include!`.
//!
//! ```no_run
//! // build.rs; in Cargo.toml:
//! // [build-dependencies]
//! // smpc = { version = "0.1", default-features = false, features = ["build"] }
//! fn main() -> Result<(), smpc::build::Error> {
//!     smpc::build::compile("src/mean.smpc", &smpc::build::Options::default())?;
//!     Ok(())
//! }
//! ```
//!
//! `include!(concat!(env!("OUT_DIR"), "/mean.rs"));` then defines the module `mean`, the same that
//! `program!` would, with the script's lines as comments.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use smpc_codegen::Runtime;
use smpc_driver::{Binding, Spelling};
use smpc_grammar::Sources;

/// What the script is bound to; the arguments of `program!`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The backend, or the path of a file that declares one.
    pub scheme: Option<String>,
    /// The number of computing parties.
    pub parties: Option<u8>,
    /// Defaults of parameters, counts of party families: name and value.
    pub sets: Vec<(String, String)>,
    /// Sizes that become constants: name and value.
    pub sizes: Vec<(String, String)>,
    /// The folder of inputs, which count the members of party families.
    pub inputs: Option<PathBuf>,
    /// The name of the module, else the script's.
    pub module: Option<String>,
}

/// Why there is no file: the errors of the script, or the file cannot be written.
pub struct Error {
    lines: Vec<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

/// As [`fmt::Display`]: that is what cargo shows of a build script whose `main` fails.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// Compiles a script to `OUT_DIR/NAME.rs` and tells cargo to do so again when it changes, or the folder of inputs where
/// that counts the members of a family. Relative
/// paths start from the folder of the crate, where cargo runs build scripts.
///
/// # Errors
/// Every error of the script; or there is no `OUT_DIR`, or the file cannot be written.
pub fn compile(script: impl AsRef<Path>, options: &Options) -> Result<PathBuf, Error> {
    let folder = std::env::var_os("OUT_DIR").ok_or_else(|| Error {
        lines: vec!["OUT_DIR is not set: this is for build scripts".to_owned()],
    })?;
    let (path, files) = compile_to(script.as_ref(), Path::new(&folder), options)?;
    for file in files {
        println!("cargo::rerun-if-changed={file}");
    }
    Ok(path)
}

/// The file, and the files it was made from.
fn compile_to(
    script: &Path,
    folder: &Path,
    options: &Options,
) -> Result<(PathBuf, Vec<String>), Error> {
    let binding = Binding {
        inputs: options.inputs.clone(),
        scheme: options.scheme.clone(),
        parties: options.parties,
        set: options.sets.clone(),
        spelling: Spelling::Rust,
        ..Binding::default()
    };
    let stem = script.file_stem().unwrap_or_default().to_string_lossy();
    let name = options.module.as_deref().unwrap_or(&stem);
    let mut sources = Sources::new();
    let compiled = smpc_driver::compile(&mut sources, script, &binding);
    let made = compiled.and_then(|compiled| {
        let runtime = Runtime::Within("::smpc::runtime".to_owned());
        let module = compiled.module(&sources, name, runtime, &options.sizes)?;
        let files = compiled.files(&sources).into_iter().map(str::to_owned);
        let mut files: Vec<String> = files.collect();
        // How many members a family has is read off the folder; one that is not there says nothing.
        let counted = &compiled.script.family_sizes;
        let counted = counted
            .iter()
            .any(|size| !options.sets.iter().any(|(name, _)| name == size));
        let folder = &compiled.script.folder;
        if counted && folder.is_dir() {
            files.push(folder.display().to_string());
        }
        Ok((module.text, files))
    });
    let (text, files) = made.map_err(|failure| Error {
        lines: failure.lines(&sources),
    })?;
    let path = folder.join(format!("{name}.rs"));
    fs::write(&path, text).map_err(|error| Error {
        lines: vec![format!("{}: {error}", path.display())],
    })?;
    Ok((path, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A further member is another program.
    #[test]
    fn folders_that_count_are_watched() {
        let base = std::env::temp_dir().join(format!("smpc-build-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        let text = "\
party voter[n], clerk;
input v[i]: int from voter[i];
reveal sum(share v[i] for voter[i]) to clerk as votes;
leaks votes to clerk;
";
        for voter in ["voter[0]", "voter[1]"] {
            fs::create_dir_all(base.join("poll").join(voter)).unwrap();
            fs::write(base.join("poll").join(voter).join("v.csv"), "1\n").unwrap();
        }
        let script = base.join("poll.smpc");
        fs::write(&script, text).unwrap();
        let watched = |sets: &[(&str, &str)]| {
            let sets = sets.iter();
            let sets = sets.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let options = Options {
                sets: sets.collect(),
                ..Options::default()
            };
            compile_to(&script, &base, &options).unwrap().1
        };
        let shown = |path: &Path| path.display().to_string();
        let folder = shown(&base.join("poll"));
        assert_eq!(watched(&[]), [shown(&script), folder]);
        assert_eq!(watched(&[("n", "3")]), [shown(&script)]);
        fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn errors_are_lines() {
        let options = Options::default();
        let error = compile_to(Path::new("none.smpc"), Path::new("."), &options).unwrap_err();
        assert!(
            error.to_string().starts_with("none.smpc: error[I15]"),
            "{error}"
        );
    }
}
