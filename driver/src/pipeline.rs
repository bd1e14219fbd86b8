//! From a script's file to a validated party program, with every error on the way.

use crate::binding::{Binding, DEFAULT_BACKEND};
use crate::load::{self, Beside, Loaded, read_text};
use crate::problem::{Exit, Failure, Problem};
use crate::promise::{self, Promise};
use smpc_grammar::Sources;
use smpc_grammar::ast::FileId;
use smpc_grammar::sources::Kind;
use smpc_ir::flat::{Protocols, TruncMode};
use smpc_ir::local::Source;
use smpc_ir::{lower, party, share};
use smpc_protocol::Library;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A script without errors.
pub struct Script {
    /// The file's name, without folders.
    pub name: String,
    /// Its text and the texts it uses.
    pub files: Vec<FileId>,
    /// What it computes.
    pub program: share::Program,
    /// Where its inputs are.
    pub folder: PathBuf,
    /// Size names of its party families, which `--set` may give.
    pub family_sizes: Vec<String>,
    /// What its functions promise to cost.
    promises: Vec<Promise>,
}

impl Script {
    /// Whether there is anything to run: a file of functions only is checked, not lowered.
    pub fn runs(&self) -> bool {
        !self.program.parties.is_empty()
    }
}

/// A script bound to a backend; `P` is [`party::Sound`] where nothing will change the program any more.
pub struct Bound<P = party::Program> {
    /// The backend's name.
    pub backend: String,
    /// What it is bound with: its parameters and the truncation mode.
    pub arguments: Vec<(String, String)>,
    /// The file that declares it.
    pub file: FileId,
    /// Its protocols.
    pub protocols: smpc_protocol::Bound,
    /// What each party does.
    pub program: P,
}

impl Bound {
    /// With the validator's word that the program is sound.
    ///
    /// # Errors
    /// The rule that is broken: a bug of the compiler.
    pub fn sound(self) -> Result<Bound<party::Sound>, Failure> {
        let program = party::Sound::new(self.program);
        Ok(Bound {
            backend: self.backend,
            arguments: self.arguments,
            file: self.file,
            protocols: self.protocols,
            program: program.map_err(|invalid| broken(invalid.rule, invalid.source))?,
        })
    }
}

/// Parses and checks a script.
///
/// # Errors
/// Every error of the script.
pub fn script(sources: &mut Sources, path: &Path, binding: &Binding) -> Result<Script, Failure> {
    let loaded = load::load(sources, path, &binding.base)?;
    check_loaded(sources, &loaded, path, binding)
}

/// Checks a script that is parsed already.
///
/// # Errors
/// Every error of the script.
pub fn check_loaded(
    sources: &mut Sources,
    loaded: &Loaded,
    path: &Path,
    binding: &Binding,
) -> Result<Script, Failure> {
    binding.check()?;
    let folder = binding.inputs_folder(path);
    // A broken file may lack the items that say what to count; its errors come first.
    let families: BTreeMap<String, usize> =
        match load::count_families(&loaded.module, &folder, binding) {
            Ok(families) => families,
            Err(_) if !loaded.errors.is_empty() => {
                return Err(Failure::script(loaded.errors.clone()));
            }
            Err(failure) => return Err(failure),
        };
    let open = load::open_families(&loaded.module);
    let options = smpc_check::Options {
        families,
        sets: binding.set.clone(),
    };
    let beside = Beside(binding.base.clone());
    let checked = smpc_check::check_module(
        sources,
        loaded.file,
        &loaded.module,
        loaded.errors.clone(),
        &beside,
        &options,
    )
    .map_err(Failure::script)?;
    if let Err(invalid) = smpc_check::validate(&checked.program) {
        let rule = format!("{} ({})", invalid.rule, invalid.step);
        return Err(broken(&rule, Source::default()));
    }
    let files = (loaded.file.0..).map(FileId);
    let files = files.take_while(|file| sources.get(*file).is_some());
    let files: Vec<FileId> = files.collect();
    let mut promises =
        promise::promises(sources, loaded, &beside, &options).map_err(Failure::script)?;
    for file in files.iter().filter(|file| **file != loaded.file) {
        if let Some(module) = module_with_costs(sources, *file) {
            let found = promise::promises(sources, &module, &beside, &options);
            promises.extend(found.map_err(Failure::script)?);
        }
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok(Script {
        name: name.to_string_lossy().into_owned(),
        files,
        program: checked.program,
        folder,
        family_sizes: open.into_iter().map(|(_, size)| size).collect(),
        promises,
    })
}

/// A file that the script uses, if it may hold functions with a `cost` clause: those of the library are held to theirs by its tests.
fn module_with_costs(sources: &Sources, file: FileId) -> Option<Loaded> {
    let found = sources.get(file)?;
    if found.kind != Kind::Read || !found.text.contains("cost") {
        return None;
    }
    let parsed = smpc_grammar::parse(file, &found.text);
    Some(Loaded {
        file,
        module: parsed.module,
        errors: vec![],
    })
}

/// Members of a party family in tests, where nothing counts them.
const TESTED_MEMBERS: usize = 3;

/// Checks the tests of a file that is parsed already, those whose names are wanted. A party family that nothing counts has
/// three members.
///
/// # Errors
/// Every error of the tests, and of what they use.
pub fn tests(
    sources: &mut Sources,
    loaded: &Loaded,
    path: &Path,
    binding: &Binding,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<smpc_check::Test>, Failure> {
    let folder = binding.inputs_folder(path);
    let families = match load::count_families(&loaded.module, &folder, binding) {
        Ok(families) => families,
        // What is given is no number of parties.
        Err(failure) if failure.problems.iter().any(|p| p.code == "I13") => return Err(failure),
        Err(_) => {
            let given = |size: &String| {
                let mut set = binding.set.iter();
                let found = set.find(|(name, _)| name == size);
                found.and_then(|(_, text)| text.parse().ok())
            };
            let open = load::open_families(&loaded.module).into_iter();
            open.map(|(family, size)| (family, given(&size).unwrap_or(TESTED_MEMBERS)))
                .collect()
        }
    };
    let options = smpc_check::Options {
        families,
        sets: binding.set.clone(),
    };
    let tests = smpc_check::check_tests(
        sources,
        (loaded.file, &loaded.module),
        loaded.errors.clone(),
        &Beside(binding.base.clone()),
        &options,
        wanted,
    )
    .map_err(Failure::script)?;
    for test in &tests {
        if let Err(invalid) = smpc_check::validate(&test.program) {
            let rule = format!("{} ({})", invalid.rule, invalid.step);
            return Err(broken(&rule, Source::default()));
        }
    }
    Ok(tests)
}

/// Binds the backend that the command line or the script names, and lowers the script to it.
///
/// # Errors
/// There is no such backend, or it lacks what the script needs.
pub fn bind(
    sources: &mut Sources,
    script: &Script,
    binding: &Binding,
    probes: bool,
) -> Result<Bound, Failure> {
    let Backend {
        name: backend,
        arguments,
        file,
        protocols,
        ..
    } = promised(sources, script, binding)?;
    let options = lower::Options { probes };
    let program = lower::lower(&script.program, &protocols, options).map_err(|errors| {
        let problems = errors
            .into_iter()
            .map(|error| {
                let help = elsewhere(&backend, &arguments, &script.program, &error);
                Problem::source(error.code, error.message, error.source).help(help)
            })
            .collect();
        Failure::new(Exit::Script, problems)
    })?;
    Ok(Bound {
        backend,
        arguments,
        file,
        protocols,
        program,
    })
}

/// Binds the backend, and holds the script's functions to what they promise to cost under it.
///
/// # Errors
/// There is no such backend, or a function costs more.
pub fn promised(
    sources: &mut Sources,
    script: &Script,
    binding: &Binding,
) -> Result<Backend, Failure> {
    let backend = backend(sources, &script.program.using, binding)?;
    let promises = script.promises.iter();
    let broken: Vec<_> = promises
        .flat_map(|promise| promise.broken(&backend.protocols, &backend.name))
        .collect();
    if broken.is_empty() {
        Ok(backend)
    } else {
        Err(Failure::script(broken))
    }
}

/// What would carry out what a backend does not.
fn elsewhere(
    backend: &str,
    arguments: &[(String, String)],
    script: &share::Program,
    error: &lower::Error,
) -> String {
    if error.code == lower::PARTIES {
        let on = script.using.on.len();
        let named = error.message.contains(lower::NAMED);
        let counts = arguments.iter().any(|(param, _)| param == "n");
        return match (named, on) {
            (true, 0) if !error.message.ends_with(lower::BESIDE) => format!(
                "give the party another name; or `using {backend} on …` lets parties of the script compute, and there are no servers"
            ),
            (true, _) => "give the party another name".to_owned(),
            (false, 0) => format!("the backend is `{backend}`; `smpc schemes` lists others"),
            (false, _) if counts => {
                format!("`using {backend}(n: {on}) on …` is for {on} computing parties")
            }
            (false, _) => format!(
                "`{backend}` has a fixed number of computing parties; `smpc schemes` lists others"
            ),
        };
    }
    let bits = |(param, value): &(String, String)| param == "k" && value != "128";
    if error.message.starts_with(lower::TOO_NARROW) && arguments.iter().any(bits) {
        format!(
            "`using {backend}(k: 128);` gives integers of 128 bits, which `fix` of more than 16 fraction bits takes"
        )
    } else {
        format!("the backend is `{backend}`; `smpc schemes` lists others")
    }
}

/// A backend that is bound.
pub struct Backend {
    /// Its name.
    pub name: String,
    /// As [`Bound::arguments`].
    pub arguments: Vec<(String, String)>,
    /// The file that declares it.
    pub file: FileId,
    /// Its protocols.
    pub protocols: smpc_protocol::Bound,
    /// Whether it stands in a file of the user's.
    pub own: bool,
    library: Library,
    given: Vec<(String, i128)>,
    trunc: Option<String>,
}

impl Backend {
    /// The same backend with other arguments beside those given; `None` if it does not take them.
    pub fn with(&self, args: &[(&str, i128)]) -> Option<smpc_protocol::Bound> {
        let kept = self.given.iter().cloned();
        let mut all: Vec<(String, i128)> = kept
            .filter(|(name, _)| !args.iter().any(|(other, _)| other == name))
            .collect();
        all.extend(
            args.iter()
                .map(|(name, value)| ((*name).to_owned(), *value)),
        );
        self.library
            .bind(&self.name, &all, self.trunc.as_deref())
            .ok()
    }
}

/// Finds and binds the backend.
///
/// # Errors
/// There is no such backend, or it cannot be bound.
pub fn backend(
    sources: &mut Sources,
    using: &share::Using,
    binding: &Binding,
) -> Result<Backend, Failure> {
    let mut library = Library::standard(sources);
    let wanted = binding.scheme.as_deref().or(using.backend.as_deref());
    let mut name = wanted.unwrap_or(DEFAULT_BACKEND).to_owned();
    // Arguments and the mode written in the script belong to the backend it names.
    let written = binding.scheme.is_none() || binding.scheme == using.backend;
    let mut args = if written {
        using.args.clone()
    } else {
        Vec::new()
    };
    let trunc = if written { using.trunc.clone() } else { None };
    // A path may have brackets in it; behind the file's ending they are arguments.
    let (path, listed) = match name.rfind(".smpc(") {
        Some(at) => name.split_at(at + ".smpc".len()),
        None => ("", name.as_str()),
    };
    if listed.contains('(') && !name.ends_with(".smpc") {
        let read = match path.is_empty() {
            true => smpc_protocol::written(listed),
            false => smpc_protocol::written(&format!("file{listed}"))
                .map(|(_, given)| (path.to_owned(), given)),
        };
        let Some((plain, given)) = read else {
            let problem = Problem::plain("I16", format!("`{name}` names no backend")).help(
                "write a name, a name with arguments, `additive(n: 3)`, or a file with arguments, `./mine.smpc(k: 32)`",
            );
            return Err(Failure::one(Exit::Usage, problem));
        };
        // What is asked for beside the name counts more, as the small rings of a prover.
        let asked = |(param, _): &(String, i128)| args.iter().all(|(other, _)| other != param);
        let given: Vec<_> = given.into_iter().filter(asked).collect();
        args.extend(given);
        name = plain;
    }
    let own = name.ends_with(".smpc") || name.contains(['/', '\\']);
    if own {
        let (file, text) = read_text(sources, Path::new(&name), &binding.base)?;
        let mut errors = library.add(file, &text);
        if errors.is_empty() {
            // What the scheme gets wrong is told as such, not as something the script lacks. A
            // protocol that is not executable yet hinders only a script that needs it.
            errors = library.check_file(file);
            errors.retain(|error| error.code != "U01");
        }
        if !errors.is_empty() {
            return Err(Failure::script(errors));
        }
        name = library.only_backend(file).ok_or_else(|| {
            let problem = Problem::file("I16", "the file does not declare one backend", &name)
                .help("a scheme's file has one `backend NAME { ... }`");
            Failure::one(Exit::Usage, problem)
        })?;
    }
    let Some(entry) = library.backend(&name) else {
        return Err(unknown_backend(&name, &library.backends(), binding));
    };
    if let Some(parties) = binding.parties {
        if !entry.params.iter().any(|(param, _)| param == "n") {
            return Err(Failure::one(
                Exit::Usage,
                Problem::plain(
                    "I17",
                    format!("backend `{name}` has a fixed number of parties"),
                )
                .help(format!(
                    "leave `{}` out, or choose another backend",
                    binding.spelling.parties()
                )),
            ));
        }
        args.retain(|(name, _)| name != "n");
        args.push(("n".to_owned(), i128::from(parties)));
    }
    let protocols = library
        .bind(&name, &args, trunc.as_deref())
        .map_err(Failure::script)?;
    let value = |(param, default): &(String, Option<i128>)| {
        let given = args.iter().find(|(name, _)| name == param);
        let value = given.map(|(_, value)| *value).or(*default)?;
        Some((param.clone(), value.to_string()))
    };
    let mut arguments: Vec<_> = entry.params.iter().filter_map(value).collect();
    let mode = match protocols.trunc_mode() {
        TruncMode::Exact => "exact",
        TruncMode::OneUnit => "one_unit",
        TruncMode::Local => "local",
    };
    arguments.push(("trunc".to_owned(), mode.to_owned()));
    Ok(Backend {
        file: entry.file,
        name,
        arguments,
        protocols,
        own,
        library,
        given: args,
        trunc,
    })
}

fn unknown_backend(name: &str, known: &[smpc_protocol::BackendInfo], binding: &Binding) -> Failure {
    let names: Vec<&str> = known.iter().map(|backend| backend.name.as_str()).collect();
    let problem = Problem::plain("I16", format!("there is no backend `{name}`")).help(format!(
        "there are `{}`; a scheme of your own is named by its file: `{}`",
        names.join("`, `"),
        binding.spelling.scheme("./mine.smpc")
    ));
    // Whoever wrote the name has the error: the command line, or the script.
    let exit = if binding.scheme.is_some() {
        Exit::Usage
    } else {
        Exit::Script
    };
    Failure::one(exit, problem)
}

/// Tells every error of a scheme's file.
///
/// # Errors
/// Every error found.
pub fn check_library(sources: &mut Sources, loaded: &Loaded) -> Result<(), Failure> {
    let mut library = Library::standard(sources);
    let text = sources.get(loaded.file).map(|file| file.text.clone());
    library.add(loaded.file, &text.unwrap_or_default());
    let errors = library.check_file(loaded.file);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::script(errors))
    }
}

/// The program with the validator's certificate. A broken rule is a bug of the compiler, told as
/// an error all the same.
///
/// # Errors
/// The rule that is broken.
pub fn validated(program: &party::Program) -> Result<party::Validated<'_>, Failure> {
    party::validate(program).map_err(|invalid| broken(invalid.rule, invalid.source))
}

fn broken(rule: &str, source: Source) -> Failure {
    let message = format!("the compiler broke a rule of its own: {rule}");
    let problem = Problem::source("I18", message, source)
        .help("this is a bug of smpc, not of the script; please report it");
    Failure::one(Exit::Run, problem)
}

/// The width of the bound ring.
pub fn ring_bits(bound: &Bound) -> u8 {
    bound.protocols.ring_bits()
}
