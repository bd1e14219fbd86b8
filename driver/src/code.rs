//! A script all the way to its program, and to the options of the code that carries it out.

use crate::pipeline::{self, Bound, Script};
use crate::problem::{Exit, Failure, Problem};
use crate::{Binding, Setting, Spelling, bind, fingerprint};
use smpc_codegen::{File, Module, Options, Runtime, Unsupported};
use smpc_grammar::Sources;
use smpc_grammar::sources::Kind;
use smpc_ir::Identity;
use smpc_ir::party::Sound;
use smpc_ir::share::{SizeOrigin, Type};
use std::path::Path;
use std::sync::OnceLock;

/// A script bound to a backend, with the validator's word that its program is sound.
pub struct Compiled {
    /// The script.
    pub script: Script,
    /// The script under its backend. Its defaults are the values that the binding gives.
    pub bound: Bound<Sound>,
    /// Parameters that were given values.
    set: Vec<Setting>,
    identity: OnceLock<Identity>,
}

/// Reads, checks, binds and lowers a script. `sources` keeps the texts that places point into.
///
/// # Errors
/// Every error of the script, what its backend lacks, or values that are none of a parameter.
pub fn compile(sources: &mut Sources, path: &Path, binding: &Binding) -> Result<Compiled, Failure> {
    let script = pipeline::script(sources, path, binding)?;
    let mut bound = pipeline::bind(sources, &script, binding, false)?;
    bind::defaults(&script, &mut bound, binding)?;
    Ok(Compiled {
        script,
        bound: bound.sound()?,
        set: binding.set.clone(),
        identity: OnceLock::new(),
    })
}

impl Compiled {
    /// What parties must agree on. The digests are made when they are first asked for.
    pub fn identity(&self, sources: &Sources) -> &Identity {
        let identity = || fingerprint::identity(sources, &self.script, &self.bound);
        self.identity.get_or_init(identity)
    }

    /// The files that were read, as they were named: the script, what it uses, its scheme. What the
    /// library holds is none of them, and neither is what an `approx` becomes.
    pub fn files<'s>(&self, sources: &'s Sources) -> Vec<&'s str> {
        let mut files = self.script.files.clone();
        files.push(self.bound.file);
        let files = files.into_iter().filter_map(|file| sources.get(file));
        let files = files.filter(|file| file.kind == Kind::Read);
        let mut names: Vec<&str> = files.map(|file| file.name.as_str()).collect();
        names.dedup();
        names
    }

    /// The files of a crate that carries the script out. `sizes` become constants.
    ///
    /// # Errors
    /// There is no such size, or the program has something for which no code is generated.
    pub fn package(
        &self,
        sources: &Sources,
        name: &str,
        runtime: Runtime,
        sizes: &[Setting],
    ) -> Result<Vec<File>, Failure> {
        let identity = || self.identity(sources).clone();
        let options = self.options(name, runtime, sizes, Spelling::CommandLine, &identity)?;
        smpc_codegen::generate(self.bound.program.validated(), sources, &options)
            .map_err(unsupported)
    }

    /// The same as a module for another crate.
    ///
    /// # Errors
    /// As [`Compiled::package`].
    pub fn module(
        &self,
        sources: &Sources,
        name: &str,
        runtime: Runtime,
        sizes: &[Setting],
    ) -> Result<Module, Failure> {
        let identity = || self.identity(sources).clone();
        let options = self.options(name, runtime, sizes, Spelling::Rust, &identity)?;
        smpc_codegen::module(self.bound.program.validated(), sources, &options).map_err(unsupported)
    }

    fn options<'o>(
        &self,
        name: &str,
        runtime: Runtime,
        sizes: &[Setting],
        spelling: Spelling,
        identity: &'o (dyn Fn() -> Identity + Sync),
    ) -> Result<Options<'o>, Failure> {
        let program = &self.bound.program;
        let mut known: Vec<&str> = vec![];
        let of_inputs = program.sizes.iter();
        known.extend(
            of_inputs
                .filter(|size| matches!(size.origin, SizeOrigin::Input { .. }))
                .map(|size| size.name.as_str()),
        );
        let axes = known.len();
        let integers = program.params.iter().filter(|p| p.ty == Type::Int);
        known.extend(integers.map(|param| param.name.as_str()));
        let mut problems = vec![];
        let mut fixed: Vec<(String, i128)> = vec![];
        for (name, text) in sizes {
            let shown = spelling.size(name, text);
            let at = known.iter().position(|own| own == name);
            if at.is_none() {
                let problem = Problem::plain("I13", format!("`{shown}`: there is no such size"));
                problems.push(problem.help(if known.is_empty() {
                    "the script has no sizes that could be fixed".to_owned()
                } else {
                    format!("its sizes are `{}`", known.join("`, `"))
                }));
            } else if fixed.iter().any(|(known, _)| known == name) {
                let problem = Problem::plain("I13", format!("`{shown}`: this size is given twice"));
                problems.push(problem.help("leave one of the two out"));
            } else if let Some((_, value)) = self.set.iter().find(|(known, _)| known == name) {
                let given = spelling.set(name, value);
                let message = format!("`{shown}`: `{given}` gives this parameter a value, too");
                let help = "leave one of the two out: a size is part of the code, a value only its default";
                problems.push(Problem::plain("I13", message).help(help));
            } else if at < Some(axes) {
                match text.parse::<i64>() {
                    Ok(value @ 1..) => fixed.push((name.clone(), value.into())),
                    _ => {
                        let problem = Problem::plain("I13", format!("`{shown}`: this is no size"));
                        problems.push(problem.help(
                            "a size is an integer of at least 1: no axis of an input has the length 0",
                        ));
                    }
                }
            } else if let Ok(value @ 0..) = text.parse::<i64>() {
                fixed.push((name.clone(), value.into()));
            } else {
                let problem = Problem::plain("I13", format!("`{shown}`: this is no size"));
                problems.push(
                    problem.help("a parameter that is to be a size is an integer of at least 0"),
                );
            }
        }
        if problems.is_empty() {
            Ok(Options {
                name: name.to_owned(),
                runtime,
                identity: Some(identity),
                sizes: fixed,
            })
        } else {
            Err(Failure::new(Exit::Usage, problems))
        }
    }
}

fn unsupported(error: Unsupported) -> Failure {
    let problem = Problem::plain(Unsupported::CODE, error.to_string());
    Failure::one(Exit::Script, problem)
}
