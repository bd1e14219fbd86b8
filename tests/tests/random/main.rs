//! Random well-typed scripts: plaintext = interpreted = generated.
//!
//! A script's own tree is evaluated; the one-party scheme, replicated and additive shares must
//! answer that, send what the cost formulas say, and the generated code must repeat every message
//! of the interpreted run. A failure prints the seed, and the script after shrinking.
//!
//! - `cargo test -p smpc-tests --test random`: what CI runs, or with `SMPC_RANDOM_FROM` and
//!   `SMPC_RANDOM_COUNT` other seeds.
//! - `cargo test --release -p smpc-tests --test random -- --ignored --nocapture ten_thousand`:
//!   10,000 small scripts all three ways and 10,000 larger ones interpreted, or as many as
//!   `SMPC_RANDOM_COUNT` says, from seed `SMPC_RANDOM_FROM`.
//! - `SMPC_RANDOM_FROM=17 cargo test -p smpc-tests --test random -- --ignored --nocapture shown`:
//!   the script of seed 17, its inputs and what it must answer; with `SMPC_RANDOM_SMALL=1` the small one.

mod generated;
#[path = "../../../codegen/tests/recorder/mod.rs"]
mod recorder;
mod transcript;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use smpc_tests::pipeline;
use smpc_tests::random::drive::{self, Bindings, Failure};
use smpc_tests::random::generate::Extent::{self, Full, Small};
use smpc_tests::random::{generate, print, shrink, walk};
use transcript::{Subject, subject};

/// Scripts of a run in CI.
const COUNT: u64 = 300;
/// Scripts compiled together.
const BATCH: u64 = 300;

/// Lines of generated code a script may have here: rustc takes a second for a few thousand.
const LINES: usize = 6000;

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

/// The scripts of these seeds as code and transcripts, replicated and additive in turn.
fn subjects(seeds: Range<u64>) -> Vec<Subject> {
    let mut bindings = Bindings::default();
    let (mut subjects, mut total) = (vec![], 0);
    for seed in seeds {
        let (script, _) = generate::script(seed, Small);
        let case = drive::case(&script);
        let backend = &drive::backends(&script)[1 + (seed % 2) as usize];
        let made = drive::text(&script, &case).and_then(|text| {
            let bound = bindings.get(backend)?;
            subject(&format!("s{seed}"), &text, &case, bound, seed % 4 < 2)
        });
        // What does not run at all is the other test's to report.
        match made {
            Ok(subject) => {
                let lines = subject.code.lines().count();
                total += lines;
                if lines <= LINES {
                    subjects.push(subject);
                }
            }
            Err(error) => eprintln!("seed {seed}: {error}"),
        }
    }
    println!("{total} lines of code, {} scripts compiled", subjects.len());
    subjects
}

/// Generated code that does not repeat the interpreted run.
fn generated(folder: &str, seeds: Range<u64>) -> Vec<String> {
    let subjects = subjects(seeds);
    let wrong = generated::differences(folder, &subjects);
    wrong
        .into_iter()
        .map(|(name, lines)| format!("{name}: {lines}"))
        .collect()
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

/// `cargo test -p smpc-tests --test random -- --ignored interpreted_is_generated`
#[test]
#[ignore = "compiles the code of hundreds of scripts"]
fn interpreted_is_generated() {
    let failed = generated("random", seeds());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
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

#[test]
#[ignore = "takes hours"]
fn ten_thousand() {
    let from = number("SMPC_RANDOM_FROM", 1_000_000);
    let to = from + number("SMPC_RANDOM_COUNT", 10_000);
    let mut failed = 0;
    let mut start = from;
    while start < to {
        let seeds = start..to.min(start + BATCH);
        let mut found = interpreted(seeds.clone(), Full);
        found.extend(interpreted(seeds.clone(), Small));
        found.extend(generated("random-many", seeds.clone()));
        for failure in &found {
            println!("{failure}\n");
        }
        failed += found.len();
        println!("{} scripts, {failed} failures", seeds.end - from);
        start = seeds.end;
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
