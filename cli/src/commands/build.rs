//! `smpc build`: a script under a backend, as a Rust crate.

use crate::Answer;
use crate::args::Build;
use crate::problem::{Exit, Failure, Problem};
use crate::written;
use serde_json::json;
use smpc_codegen::{File, MANIFEST, Runtime, listed};
use smpc_grammar::Sources;
use std::path::Path;

/// What `-o` takes.
const A_FOLDER: &str = "give the folder of an earlier build, or one that is empty or new";

/// Writes the crate. Files that are as they would be written stay untouched, so that cargo
/// compiles only what changed; those of an earlier build that are needed no more are removed.
///
/// # Errors
/// Errors of the script, something is there that no earlier build has written, or the folder cannot be written.
pub fn build(sources: &mut Sources, args: &Build) -> Result<Answer, Failure> {
    let binding = &args.script.binding.options();
    let compiled = smpc_driver::compile(sources, &args.script.file, binding)?;
    let name = args.script.file.file_stem();
    let name = name.map_or("script".into(), |name| name.to_string_lossy());
    let runtime = match &args.runtime {
        Some(path) => Runtime::Path(runtime_folder(path)?),
        None => Runtime::Version(env!("CARGO_PKG_VERSION").to_owned()),
    };
    let files = compiled.package(sources, &name, runtime, &args.size)?;
    let (script, bound) = (&compiled.script, &compiled.bound);
    if args.output.exists() && !args.output.is_dir() {
        let message = "this is no folder, and a crate is one";
        let problem = Problem::file("I15", message, args.output.display().to_string());
        return Err(Failure::one(Exit::Usage, problem.help(A_FOLDER)));
    }
    clear(&args.output, &files)?;
    let mut written = Vec::new();
    for file in &files {
        let path = args.output.join(&file.path);
        let same = std::fs::read_to_string(&path).is_ok_and(|old| old == file.text);
        if !same {
            let folder = path.parent().unwrap_or(&args.output);
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&path, &file.text))
                .map_err(|error| unwritten(&path, &error))?;
        }
        written.push(path.display().to_string());
    }
    let mut text = format!(
        "wrote {} files of a crate for {} parties under {}\n\n    cargo run --release --manifest-path {} -- --local --inputs {}\n",
        files.len(),
        bound.program.parties.len(),
        bound.backend,
        written::word(&args.output.join("Cargo.toml")),
        written::word(&script.folder),
    );
    let mut json = json!({ "files": written, "scheme": bound.backend });
    if args.runtime.is_none() {
        let version = env!("CARGO_PKG_VERSION");
        let note = format!(
            "it depends on `smpc-runtime` {version} of cargo's registry; `--runtime DIR` names a folder with that crate"
        );
        text.push_str(&format!("\nNote: {note}.\n"));
        json["notes"] = json!([note]);
    }
    Ok(Answer {
        exit: 0,
        text,
        json,
    })
}

/// Makes room for the files: those that an earlier build wrote and this one does not are removed.
///
/// # Errors
/// A file is there, and no earlier build; or one of a name of the crate's that no build has written. Then nothing is changed.
fn clear(folder: &Path, files: &[File]) -> Result<(), Failure> {
    let manifest = std::fs::read_to_string(folder.join(MANIFEST)).unwrap_or_default();
    let earlier = listed(&manifest);
    let ours = |path: &str| match &earlier {
        Some(earlier) => path == MANIFEST || earlier.contains(&path),
        None => false,
    };
    for file in files {
        let path = folder.join(&file.path);
        if !ours(&file.path) && path.symlink_metadata().is_ok() {
            let message = "this file is there already, and `smpc build` did not write it";
            let problem = Problem::file("I15", message, path.display().to_string());
            return Err(Failure::one(Exit::Usage, problem.help(A_FOLDER)));
        }
    }
    // Hidden ones may be those of a tool, as `.git` is.
    let foreign = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        (!name.to_string_lossy().starts_with('.')).then(|| entry.path())
    };
    if earlier.is_none()
        && let Ok(mut entries) = std::fs::read_dir(folder)
        && let Some(path) = entries.find_map(|entry| foreign(entry.ok()?))
    {
        let message = "this is in the folder, and no crate that `smpc build` wrote";
        let problem = Problem::file("I15", message, path.display().to_string());
        return Err(Failure::one(Exit::Usage, problem.help(A_FOLDER)));
    }
    for old in earlier.iter().flatten() {
        let path = folder.join(old);
        if !files.iter().any(|file| file.path == *old) && path.symlink_metadata().is_ok() {
            std::fs::remove_file(&path).map_err(|error| unwritten(&path, &error))?;
        }
    }
    Ok(())
}

/// The folder of the runtime's crate, as cargo finds it from anywhere.
fn runtime_folder(path: &Path) -> Result<String, Failure> {
    let name = |line: &str| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "name").then(|| value.trim().trim_matches('"') == "smpc-runtime")
    };
    let manifest = std::fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
    let folder = path.canonicalize().ok();
    let folder = folder.filter(|_| manifest.lines().find_map(name) == Some(true));
    folder
        .map(|folder| folder.display().to_string())
        .ok_or_else(|| {
            let message = format!(
                "`--runtime {}`: there is no crate `smpc-runtime`",
                path.display()
            );
            let problem = Problem::plain("I16", message);
            Failure::one(
                Exit::Usage,
                problem.help("it is the folder `runtime` of the source of smpc"),
            )
        })
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("the file cannot be written: {error}");
    Failure::one(
        Exit::Usage,
        Problem::file("I15", message, path.display().to_string()),
    )
}
