//! Random well-typed scripts: plaintext = interpreted = generated.
//!
//! A script's own tree is evaluated; the one-party scheme, replicated and additive shares must
//! answer that, send what the cost formulas say, and the generated code must repeat every message
//! of the interpreted run. A failure prints the seed, and the script after shrinking.
//!
//! - `cargo test -p smpc-tests --test random`: what CI runs, or with `SMPC_RANDOM_FROM` and
//!   `SMPC_RANDOM_COUNT` other seeds.
//! - `cargo test --release -p smpc-tests --test random -- --ignored --nocapture many_interpreted`: 10,000
//!   scripts, and as many small ones, in plaintext and under both schemes, or as many as
//!   `SMPC_RANDOM_COUNT` says, from seed `SMPC_RANDOM_FROM`.
//! - the same with `many_generated`: 10,000 small scripts of at most 1,000 generated lines all three ways, in batches.
//! - `SMPC_RANDOM_FROM=17 cargo test -p smpc-tests --test random -- --ignored --nocapture shown`:
//!   the script of seed 17, its inputs and what it must answer; with `SMPC_RANDOM_SMALL=1` the small one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use smpc_codegen::{Options, Runtime};
use smpc_grammar::Sources;
use smpc_ir::flat::Protocols;
use smpc_tests::generated::batch::{Batch, modules};
use smpc_tests::generated::{self, Subject};
use smpc_tests::pipeline;
use smpc_tests::random::drive::{self, Bindings, Failure};
use smpc_tests::random::generate::Extent::{self, Full, Small};
use smpc_tests::random::{generate, print, shrink, walk};

/// Scripts of a run in CI.
const COUNT: u64 = 300;
/// Scripts compiled together.
const BATCH: usize = 300;
/// Crates of a batch: what cargo compiles side by side.
const CRATES: usize = 4;
/// Lines of generated code a script may have: rustc takes a second for two thousand.
const LINES: usize = 3000;
/// The same where there are thousands of scripts.
const FEW_LINES: usize = 1000;

/// The interpreted runs of these seeds, on two threads; the failures as text.
fn interpreted(seeds: Range<u64>, extent: Extent) -> Vec<String> {
    let next = AtomicU64::new(seeds.start);
    let worker = || {
        let mut bindings = Bindings::default();
        let mut failed = vec![];
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return failed;
            }
            let (script, _) = generate::script(seed, extent);
            if let Err(failure) = drive::interpreted(&script, &mut bindings) {
                eprintln!("seed {seed} [{}] {}", failure.stage, failure.message);
                let run = &mut |s: &_| drive::interpreted(s, &mut bindings).err();
                let (script, failure) = shrink::shrunk(&script, &failure, run, 300);
                failed.push(report(&script, &failure));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(worker), scope.spawn(worker)];
        let parts = threads.into_iter().map(|t| t.join().unwrap());
        parts.flatten().collect()
    })
}

fn report(script: &smpc_tests::random::ast::Script, failure: &Failure) -> String {
    let case = drive::case(script);
    let text = drive::text(script, &case).unwrap_or_else(|_| print::script(script));
    let given: Vec<String> = case
        .given
        .iter()
        .map(|g| {
            let column = g.column.as_ref().map_or(String::new(), |c| format!(".{c}"));
            let values = g.values.join(" ");
            format!(
                "// given {}/{}{column} {:?}: {values}",
                g.party, g.file, g.shape
            )
        })
        .collect();
    format!(
        "seed {} [{}] {}\n{}\n{text}",
        script.seed,
        failure.stage,
        failure.message,
        given.join("\n")
    )
}

/// A small script as a module, and what it shows; none if it has more lines.
fn subject(
    seed: u64,
    lines: usize,
    bindings: &mut Bindings,
) -> Result<Option<(Subject, String)>, String> {
    let (script, _) = generate::script(seed, Small);
    let case = drive::case(&script);
    // Replicated and additive in turn.
    let bound = bindings.get(&drive::backends(&script)[1 + (seed % 2) as usize])?;
    let text = drive::text(&script, &case)?;
    let computing = bound.computing().parties;
    let change = |program: &mut smpc_ir::share::Program| {
        // Every other time those who put in compute too, where they are enough.
        let own = (0..program.parties.len()).filter(|p| !program.parties[*p].contains('['));
        let own: Vec<u8> = own.map(|p| p as u8).take(computing).collect();
        if own.len() == computing && seed % 4 < 2 {
            program.using.on = own;
        }
    };
    let name = format!("s{seed}");
    let made = |valid: smpc_ir::party::Validated<'_>| {
        let mut sources = Sources::new();
        sources.add("script.smpc", &text);
        let options = Options::new(&name, Runtime::Within("::smpc_runtime".into()));
        let module = smpc_codegen::module(valid, &sources, &options);
        let text = module.map_err(|e| e.to_string())?.text;
        // What a module may do inside of somebody's crate, a generated crate may not.
        let allowed = text.lines().filter(|line| line.starts_with("#[allow("));
        if allowed.count() != 1 {
            return Err("a module allows its lints in one place".to_owned());
        }
        let lines = text.lines().filter(|line| !line.starts_with("#[allow("));
        Ok(lines.flat_map(|line| [line, "\n"]).collect::<String>())
    };
    let (subject, code) = generated::subject(&name, &text, (&case, bound), change, made)?;
    Ok((code.lines().count() <= lines).then_some((subject, code)))
}

/// So many small scripts from a seed on, compiled together: what their code does otherwise than the
/// interpreter, and the seed after the last.
fn compiled(folder: &str, from: u64, count: usize, lines: usize) -> (Vec<String>, u64) {
    let mut bindings = Bindings::default();
    let (mut subjects, mut codes, mut wrong) = (vec![], vec![], vec![]);
    let mut seed = from;
    while subjects.len() < count {
        match drive::caught(|| subject(seed, lines, &mut bindings)) {
            Ok(Some((subject, code))) => {
                subjects.push((format!("part{}::s{seed}", subjects.len() % CRATES), subject));
                codes.push(code);
            }
            Ok(None) => {}
            Err(error) => wrong.push(format!("seed {seed}: {error}")),
        }
        seed += 1;
    }
    let total: usize = codes.iter().map(|c| c.lines().count()).sum();
    println!("{count} of {} small scripts, {total} lines", seed - from);
    let parts = (0..CRATES).map(|part| {
        let own = codes.iter().skip(part).step_by(CRATES);
        modules(
            &format!("part{part}"),
            &own.map(String::as_str).collect::<Vec<_>>(),
        )
    });
    let batch = Batch::new(env!("CARGO_TARGET_TMPDIR"), folder, 0, parts.collect());
    match batch.differences(&subjects) {
        Ok(found) => wrong.extend(found.iter().map(|(name, lines)| format!("{name}: {lines}"))),
        Err(error) => wrong.push(error),
    }
    wrong.extend(batch.lint().err());
    (wrong, seed)
}

#[test]
fn well_typed() {
    let mut refused = vec![];
    let mut features: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..COUNT {
        let (script, _) = generate::script(seed, Full);
        for (feature, count) in walk::features(&script) {
            *features.entry(feature).or_default() += count;
        }
        let case = drive::case(&script);
        let checked = drive::text(&script, &case).and_then(|t| pipeline::checked(&t, &case));
        if let Err(error) = checked {
            refused.push(format!("seed {seed}: {error}"));
        }
    }
    println!("{} of {COUNT} refused", refused.len());
    for (feature, count) in &features {
        println!("{count:6} {feature}");
    }
    // 95 of 100 are accepted.
    assert!(
        refused.len() * 20 <= COUNT as usize,
        "{}",
        refused.join("\n")
    );
    assert!(features.len() > 90, "{} features", features.len());
}

#[test]
fn plaintext_is_interpreted() {
    let failed = interpreted(seeds(), Full);
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn plaintext_is_interpreted_is_generated() {
    let Range { start, end } = seeds();
    let (mut wrong, to) = compiled("random", start, (end - start) as usize, LINES);
    wrong.extend(interpreted(start..to, Small));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Those of CI, unless others are asked for.
fn seeds() -> Range<u64> {
    let from = number("SMPC_RANDOM_FROM", 0);
    from..from + number("SMPC_RANDOM_COUNT", COUNT)
}

fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// The seeds of a long run.
fn many() -> Range<u64> {
    let from = number("SMPC_RANDOM_FROM", 1_000_000);
    from..from + number("SMPC_RANDOM_COUNT", 10_000)
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn many_interpreted() {
    let Range { start, end } = many();
    let mut failed = 0;
    for from in (start..end).step_by(BATCH) {
        let seeds = from..end.min(from + BATCH as u64);
        let mut found = interpreted(seeds.clone(), Full);
        found.extend(interpreted(seeds.clone(), Small));
        for failure in &found {
            println!("{failure}\n");
        }
        failed += found.len();
        println!(
            "{} and as many small scripts, {failed} failures",
            seeds.end - start
        );
    }
    assert_eq!(failed, 0);
}

#[test]
#[ignore = "takes an hour"]
fn many_generated() {
    let Range { start, end } = many();
    let wanted = (end - start) as usize;
    let (mut done, mut failed, mut from) = (0, 0, start);
    while done < wanted {
        let count = BATCH.min(wanted - done);
        let (mut found, to) = compiled("random-many", from, count, FEW_LINES);
        found.extend(interpreted(from..to, Small));
        for failure in &found {
            println!("{failure}\n");
        }
        failed += found.len();
        (done, from) = (done + count, to);
        println!("{done} scripts generated, to seed {to}: {failed} failures");
    }
    assert_eq!(failed, 0);
}

#[test]
#[ignore = "prints a script"]
fn shown() {
    let extent = if std::env::var_os("SMPC_RANDOM_SMALL").is_some() {
        Small
    } else {
        Full
    };
    let (script, _) = generate::script(number("SMPC_RANDOM_FROM", 0), extent);
    let case = drive::case(&script);
    match drive::text(&script, &case) {
        Ok(text) => println!("{text}"),
        Err(error) => println!("{error}\n{}", print::script(&script)),
    }
    for given in &case.given {
        println!("{given:?}");
    }
    println!("{:?}", drive::expected(&script));
}
