//! `smpc test`: the tests of scripts and of the library, under every scheme that can run them.

use crate::Answer;
use crate::args::Test as Args;
use crate::bind;
use crate::load::{self, Loaded};
use crate::parallel::side_by_side;
use crate::pipeline::{self, Backend};
use crate::problem::{Exit, Failure, Problem};
use crate::testing::{self, Ended};
use serde_json::{Value, json};
use smpc_check::Test;
use smpc_driver::{Binding, position};
use smpc_grammar::Sources;
use smpc_grammar::ast::{self, ItemKind, Span};
use smpc_ir::share::{Param, Using};
use smpc_runtime::show::duration;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

/// Bits of the widest ring: a value that does not fit into a backend's own is told where that is bound.
const WIDEST: u8 = 128;

/// A file with its tests.
struct Suite {
    name: String,
    tests: Vec<Test>,
}

/// A test under a backend, by their numbers, and how it ended.
struct Run {
    suite: usize,
    test: usize,
    scheme: String,
    ended: Ended,
    seconds: f64,
}

/// Runs tests and reports each.
///
/// # Errors
/// Errors of scripts, or nothing is to be run.
pub fn test(sources: &mut Sources, args: &Args) -> Result<Answer, Failure> {
    let binding = Binding {
        set: args.set.clone(),
        ..Binding::default()
    };
    binding.check()?;
    let wanted = |name: &str| args.filter.as_deref().is_none_or(|f| name.contains(f));
    let mut suites = vec![];
    let mut names = vec![];
    for target in targets(args) {
        let loaded = loaded(sources, &target, &binding)?;
        names.extend(settable(&loaded.module));
        let tests = pipeline::tests(sources, &loaded, Path::new(&target), &binding, &wanted)?;
        if !tests.is_empty() {
            suites.push(Suite {
                name: target,
                tests,
            });
        }
    }
    if suites.is_empty() {
        let problem = Problem::plain("I16", "there is no such test").help(match &args.filter {
            Some(filter) => format!("no name has `{filter}` in it"),
            None => "write `test \"name\" { expect(f(share 2), 4); }` beside a function".to_owned(),
        });
        return Err(Failure::one(Exit::Usage, problem));
    }
    settings(&suites, &names, &binding)?;
    let started = Instant::now();
    let runs = runs(sources, &suites, &binding, args)?;
    Ok(answer(
        sources,
        &suites,
        &runs,
        started.elapsed().as_secs_f64(),
    ))
}

/// What `--set` may name in a file: parameters, and sizes of party families.
fn settable(module: &ast::Module) -> Vec<String> {
    let params = module.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Param(param) => Some(param.name.name.clone()),
        _ => None,
    });
    let sizes = load::open_families(module);
    params
        .chain(sizes.into_iter().map(|(_, size)| size))
        .collect()
}

/// Whether each name that is given is one of a file, and each value one of its type.
fn settings(suites: &[Suite], names: &[String], binding: &Binding) -> Result<(), Failure> {
    let mut params: Vec<Param> = vec![];
    for test in suites.iter().flat_map(|suite| &suite.tests) {
        for param in &test.program.params {
            if !params.contains(param) {
                params.push(param.clone());
            }
        }
    }
    let mut elsewhere: Vec<String> = vec![];
    for name in names {
        if params.iter().all(|p| p.name != *name) && !elsewhere.contains(name) {
            elsewhere.push(name.clone());
        }
    }
    let mut problems = vec![];
    bind::given(&params, binding, &elsewhere, WIDEST, &mut problems);
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(Exit::Input, problems)),
    }
}

/// The files meant: named, or all modules of the library.
fn targets(args: &Args) -> Vec<String> {
    let mut targets = args.targets.clone();
    if args.all {
        targets.extend(library());
    }
    targets
}

/// The modules of the library that scripts use, as they name them.
pub(super) fn library() -> Vec<String> {
    let functions = smpc_stdlib::modules().iter().filter(|module| {
        let folder = module.path.split_once('/').map(|(folder, _)| folder);
        !matches!(folder, Some("schemes" | "generic"))
    });
    let name = |module: &smpc_stdlib::Module| {
        let name = module.path.rsplit('/').next().unwrap_or(module.path);
        format!("std::{name}")
    };
    functions.map(name).collect()
}

/// A script, or a module of the library.
pub(super) fn loaded(
    sources: &mut Sources,
    target: &str,
    binding: &Binding,
) -> Result<Loaded, Failure> {
    let Some(name) = target.strip_prefix("std::") else {
        return load::load(sources, Path::new(target), &binding.base);
    };
    let module = smpc_stdlib::used(&name.replace("::", "/")).ok_or_else(|| {
        let problem = Problem::plain("I16", format!("the library has no module `{target}`")).help(
            "modules are named as in `use std::nn;`; those in scope everywhere are `std::prelude`",
        );
        Failure::one(Exit::Usage, problem)
    })?;
    let file = sources.add_library(&smpc_check::library_name(module.path), module.text);
    let parsed = smpc_grammar::parse(file, module.text);
    Ok(Loaded {
        file,
        module: parsed.module,
        errors: parsed.diagnostics,
    })
}

/// Runs everything, schemes side by side.
fn runs(
    sources: &mut Sources,
    suites: &[Suite],
    binding: &Binding,
    args: &Args,
) -> Result<Vec<Run>, Failure> {
    let names = match args.scheme.is_empty() {
        true => super::schemes::names(),
        false => args.scheme.clone(),
    };
    // What a script demands of its backend: a ring of 128 bits, an exact truncation.
    let mut demands: Vec<&Using> = vec![];
    for test in suites.iter().flat_map(|suite| &suite.tests) {
        let using = &test.program.using;
        if !demands.iter().any(|d| same(d, using)) {
            demands.push(using);
        }
    }
    let mut bound: Vec<(String, &Using, Result<Backend, String>)> = vec![];
    for name in &names {
        for using in &demands {
            let found = backend(sources, name, using)?;
            bound.push((name.clone(), using, found));
        }
    }
    let of_backend = |(name, using, backend): &(String, &Using, Result<Backend, String>)| {
        let mut runs = vec![];
        for (suite, tests) in suites.iter().enumerate() {
            for (test, of) in tests.tests.iter().enumerate() {
                if !same(using, &of.program.using) {
                    continue;
                }
                let started = Instant::now();
                let ended = match backend {
                    Ok(backend) => testing::run(of, backend, binding, args.seed),
                    Err(lacking) => Ended::Unable(lacking.clone()),
                };
                runs.push(Run {
                    suite,
                    test,
                    scheme: name.clone(),
                    ended,
                    seconds: started.elapsed().as_secs_f64(),
                });
            }
        }
        runs
    };
    Ok(side_by_side(&bound, of_backend)
        .into_iter()
        .flatten()
        .collect())
}

fn same(a: &Using, b: &Using) -> bool {
    a.args == b.args && a.trunc == b.trunc
}

/// A backend with what a script demands; or why it cannot have that.
fn backend(
    sources: &mut Sources,
    name: &str,
    using: &Using,
) -> Result<Result<Backend, String>, Failure> {
    let plain = Binding {
        scheme: Some(name.to_owned()),
        ..Binding::default()
    };
    if using.args.is_empty() && using.trunc.is_none() {
        return pipeline::backend(sources, &Using::default(), &plain).map(Ok);
    }
    let demanded = Using {
        backend: Some(name.to_owned()),
        ..using.clone()
    };
    Ok(
        pipeline::backend(sources, &demanded, &plain).map_err(|failure| {
            let first = failure.problems.into_iter().next();
            first.map_or_else(String::new, |problem| problem.message)
        }),
    )
}

fn answer(sources: &Sources, suites: &[Suite], runs: &[Run], seconds: f64) -> Answer {
    let (mut ok, mut failed, mut skipped) = (0, 0, 0);
    let mut text = String::new();
    let mut list: Vec<Value> = vec![];
    for (s, suite) in suites.iter().enumerate() {
        let _ = writeln!(text, "{}", suite.name);
        for (t, test) in suite.tests.iter().enumerate() {
            let mut right = vec![];
            let mut otherwise = Otherwise::default();
            for run in runs.iter().filter(|r| r.suite == s && r.test == t) {
                let mut entry = json!({
                    "file": suite.name, "test": test.name, "scheme": run.scheme, "seconds": run.seconds,
                });
                match &run.ended {
                    Ended::Right(rounds, bytes) => {
                        ok += 1;
                        right.push(run.scheme.as_str());
                        entry["result"] = json!("ok");
                        entry["rounds"] = json!(rounds);
                        entry["bytes"] = json!(bytes);
                    }
                    Ended::Unable(lacking) => {
                        skipped += 1;
                        // What would supply it is for those who write schemes.
                        let lack = lacking.split(';').next().unwrap_or(lacking);
                        otherwise.add(("skipped", format!(": {lack}")), &run.scheme);
                        entry["result"] = json!("skipped");
                        entry["reason"] = json!(lacking);
                    }
                    Ended::Wrong(found) => {
                        failed += 1;
                        entry["result"] = json!("failed");
                        let mut failures = vec![];
                        for (at, message) in found {
                            let expectation = at.and_then(|at| test.expectations.get(at));
                            let place = expectation.and_then(|e| position(sources, e.span));
                            let call = expectation.map(|e| written(sources, e.span));
                            let shown = match (&place, &call) {
                                (Some((file, line, _)), Some(call)) => {
                                    format!(" at {file}:{line}: {call}\n      {message}")
                                }
                                _ => format!(": {message}"),
                            };
                            otherwise.add(("FAILED", shown), &run.scheme);
                            failures.push(json!({
                                "message": message,
                                "line": place.map(|(_, line, _)| line),
                                "expect": call,
                            }));
                        }
                        entry["failures"] = Value::Array(failures);
                    }
                }
                list.push(entry);
            }
            let _ = write!(text, "  {}: ", test.name);
            match right.is_empty() {
                true => text.push_str("ok under no scheme\n"),
                false => {
                    let _ = writeln!(text, "ok under {}", right.join(", "));
                }
            }
            for ((what, why), schemes) in &otherwise.0 {
                let _ = writeln!(text, "    {what} under {}{why}", schemes.join(", "));
            }
        }
    }
    let _ = writeln!(
        text,
        "{ok} ok, {failed} failed, {skipped} skipped in {}",
        duration(seconds)
    );
    Answer {
        exit: u8::from(failed > 0),
        text,
        json: json!({ "tests": list, "ok": ok, "failed": failed, "skipped": skipped }),
    }
}

/// What happened instead, and why, each with the schemes under which it did.
#[derive(Default)]
struct Otherwise(Vec<((&'static str, String), Vec<String>)>);

impl Otherwise {
    fn add(&mut self, what: (&'static str, String), scheme: &str) {
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, schemes)) => schemes.push(scheme.to_owned()),
            None => self.0.push((what, vec![scheme.to_owned()])),
        }
    }
}

/// A call as it is written, on one line.
fn written(sources: &Sources, span: Span) -> String {
    let file = sources.get(span.file);
    let text = file.and_then(|file| file.text.get(span.start as usize..span.end as usize));
    let words: Vec<&str> = text.unwrap_or("").split_whitespace().collect();
    words.join(" ")
}
