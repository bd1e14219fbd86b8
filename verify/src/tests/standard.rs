//! The library's schemes.

use super::through::InProcess;
use crate::text::{File, Subject};
use crate::*;
use smpc_grammar::Sources;
use smpc_ir::flat::Protocols;
use smpc_protocol::{Bound, Library};

pub(crate) fn bind(name: &str, args: &[(&str, i128)]) -> Bound {
    try_bind(name, args).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn try_bind(name: &str, args: &[(&str, i128)]) -> Result<Bound, String> {
    let mut sources = Sources::default();
    let library = Library::standard(&mut sources);
    let args: Vec<(String, i128)> = args.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
    let bound = library.bind(name, &args, None);
    bound.map_err(|e| format!("{e:?}"))
}

/// The same backend in small rings or fields.
pub(super) fn small(name: &str, args: &[(&str, i128)], full: &Bound) -> Vec<Bound> {
    let found = small_rings(full, |more| try_bind(name, &[args, more].concat()).ok());
    assert!(!found.is_empty(), "{name}");
    found
}

/// Everything about a scheme, its small rings beside it.
fn rows(name: &str, args: &[(&str, i128)], limits: &Limits) -> Vec<Row> {
    let full = bind(name, args);
    let small = small(name, args, &full);
    let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
    let work = Work::new(vec![problems(&full, &small)], limits).through(&InProcess);
    let answers = (0..work.questions()).filter_map(|at| work.answer(at));
    let answers = answers.collect();
    work.rows(answers).pop().unwrap().unwrap()
}

/// Compares a section of the documentation, between `<!-- name -->` and `<!-- end name -->`; with
/// `UPDATE_VERIFIED=1` in the environment it is written instead.
pub(super) fn documented(name: &str, table: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verified.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end {name} -->"));
    let start = text.find(&begin).unwrap() + begin.len();
    let stop = start + text[start..].find(&end).unwrap();
    let wanted = format!("```\n{table}```\n");
    if std::env::var_os("UPDATE_VERIFIED").is_some() {
        let new = format!("{}{wanted}{}", &text[..start], &text[stop..]);
        std::fs::write(path, new).unwrap();
        return;
    }
    assert_eq!(
        &text[start..stop],
        wanted,
        "docs/verified.md is stale: run this test with UPDATE_VERIFIED=1"
    );
}

/// Every protocol of the library that can be verified is private by proof, and none is wrong.
#[test]
fn the_documented_verdicts_are_those_found() {
    // The words do not depend on the number of random runs, unless one of them fails.
    let limits = Limits {
        assignments: 1 << 19,
        runs: 2_000,
        ..Limits::default()
    };
    for (section, name, args) in [
        ("rep3", "rep3", vec![]),
        ("additive 2", "additive", vec![("n", 2)]),
        ("additive 3", "additive", vec![("n", 3)]),
        ("shamir 3", "shamir", vec![("n", 3)]),
        ("shamir 5", "shamir", vec![("n", 5)]),
        ("rep3_malicious", "rep3_malicious", vec![]),
        ("fantastic4", "fantastic4", vec![]),
        ("spdz 2", "spdz", vec![("n", 2)]),
        ("spdz 3", "spdz", vec![("n", 3)]),
        ("spdz2k 2", "spdz2k", vec![("n", 2)]),
        ("spdz2k 3", "spdz2k", vec![("n", 3)]),
        ("rep3_malicious_ring", "rep3_malicious_ring", vec![]),
        ("astra", "astra", vec![]),
        ("aby", "aby", vec![]),
        ("gmw 2", "gmw", vec![("n", 2)]),
        ("gmw 3", "gmw", vec![("n", 3)]),
        ("securenn", "securenn", vec![]),
    ] {
        let rows = rows(name, &args, &limits);
        for (operation, report, problem) in &rows {
            for (coalition, verdict) in &report.privacy {
                let set = problem.set_name(*coalition);
                // Multiplicative masks are enumerated, and who calls what has them is proved from that.
                let compared = name == "securenn"
                    && ["private_compare", "msb", "less_than", "trunc, exact"]
                        .contains(&operation.as_str());
                let proved = verdict.word() == "proved"
                    || compared && matches!(verdict, Verdict::Exhausted(_));
                assert!(proved, "{name}, {operation} {set}: {verdict:?}");
            }
            let correct = &report.correct;
            assert!(!correct.is_refuted(), "{operation}: {correct:?}");
        }
        documented(section, &table(&rows));
    }
}

/// Certificates survive being written and read, and are accepted; a changed one is not.
#[test]
fn written_certificates_are_checked_again() {
    let full = bind("rep3", &[("k", 16)]);
    let mut subjects = Vec::new();
    let mut proofs = Proofs::default();
    let all = problems(&full, &[]);
    for (title, problem, _) in &all {
        let mut certificates = Vec::new();
        for coalition in problem.coalitions() {
            certificates.extend(prove_privacy_with(problem, coalition, &mut proofs).unwrap());
            for result in 0..problem.results.len() {
                let found = prove_freshness_with(problem, coalition, result, &mut proofs);
                certificates.extend(found.unwrap());
            }
        }
        subjects.push(Subject {
            title: title.clone(),
            certificates,
        });
    }
    let file = File {
        scheme: "rep3".to_owned(),
        parties: 3,
        subjects,
    };
    let text = file.write();
    let read = File::read(&text).unwrap();
    assert_eq!(read.subjects.len(), file.subjects.len());
    let (mut accepted, mut boxed, mut refused) = (0, 0, 0);
    for (subject, (title, problem, _)) in read.subjects.iter().zip(&all) {
        assert_eq!(subject.title, *title);
        for certificate in &subject.certificates {
            check(problem, certificate).unwrap_or_else(|e| panic!("{title}: {e}"));
            accepted += 1;
            boxed += certificate.boxes.len();
            for at in 0..certificate.boxes.len().min(2) {
                // A box for another call, and one twice.
                let mut other = certificate.clone();
                other.boxes[at].call += 1;
                let mut twice = certificate.clone();
                twice.boxes.push(certificate.boxes[at].clone());
                refused += usize::from(check(problem, &other).is_err());
                assert!(check(problem, &twice).is_err(), "{title}");
            }
            for at in 0..certificate.steps.len() {
                let mut twice = certificate.clone();
                twice.steps.push(certificate.steps[at].clone());
                assert!(check(problem, &twice).is_err(), "{title}");
            }
        }
    }
    assert!(
        accepted > 60 && boxed > 60 && refused > 0,
        "{accepted} {boxed} {refused}"
    );
    // A line changed in the file.
    for (from, to) in [
        ("by coin", "by value"),
        ("message ", "massage "),
        ("box ", "box x"),
    ] {
        let changed = text.replacen(from, to, 1);
        let verdict = File::read(&changed).map(|file| {
            file.subjects
                .iter()
                .zip(&all)
                .all(|(subject, (_, problem, _))| {
                    subject
                        .certificates
                        .iter()
                        .all(|c| check(problem, c).is_ok())
                })
        });
        assert!(verdict != Ok(true), "{from}");
    }
}

/// What is found about one scheme, with what is open and how long each row takes:
/// `SMPC_SCHEME=spdz,n=3 cargo test -p smpc-verify -- --ignored --nocapture shown`.
#[test]
#[ignore = "shows"]
fn shown() {
    let text = std::env::var("SMPC_SCHEME").unwrap_or("rep3".to_owned());
    let mut parts = text.split(',');
    let name = parts.next().unwrap();
    let args: Vec<(&str, i128)> = parts
        .map(|part| part.split_once('=').unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect();
    let limits = Limits {
        assignments: 1 << 19,
        runs: 2_000,
        ..Limits::default()
    };
    let full = bind(name, &args);
    let small = small(name, &args, &full);
    let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
    let only = std::env::var("SMPC_ONLY").ok();
    let mut proofs = Proofs::default();
    let mut rows = Vec::new();
    for (title, problem, rings) in problems(&full, &small) {
        if only.as_ref().is_some_and(|only| *only != title) {
            continue;
        }
        let start = std::time::Instant::now();
        let report = verify_with(&problem, &rings, &limits, &mut proofs);
        let time = start.elapsed().as_millis();
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                println!("{title}: {error}");
                continue;
            }
        };
        println!("{title}: {} steps, {time} ms", problem.flat.steps.len());
        if std::env::var_os("SMPC_STEPS").is_some() {
            for (at, step) in problem.flat.steps.iter().enumerate() {
                let info = &problem.flat.values[step.result as usize];
                let knows = problem.set_name(info.known_to);
                println!(
                    "{at}: {} = {:?} {:?} {:?} {knows}",
                    step.result, step.op, step.args, info.kind
                );
            }
        }
        for (coalition, verdict) in report.privacy.iter().chain(&report.fresh) {
            if verdict.severity() > 0 {
                println!("    {} {verdict:?}", problem.set_name(*coalition));
            }
        }
        if report.correct.severity() > 1 {
            println!("    {:?}", report.correct);
        }
        for active in &report.active {
            if active.is_open() {
                let set = problem.set_name(active.coalition);
                println!("    {set}: {:?} {:?}", active.leak, active.effect);
            }
        }
        rows.push((title, report, problem));
    }
    println!("{}", table(&rows));
}

/// Nanoseconds that this thread has computed; 0 where the system does not tell.
fn computed() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().map(str::parse);
    first.and_then(Result::ok).unwrap_or(0)
}

/// How long each question takes that `smpc verify` asks about some schemes:
/// `SMPC_SCHEMES=rep3,spdz:3 cargo test --release -p smpc-verify -- --ignored --nocapture times`.
#[test]
#[ignore = "shows"]
fn times() {
    let names = std::env::var("SMPC_SCHEMES").unwrap_or(
        "aby,additive,astra,fantastic4,gmw,plain,rep3,rep3_malicious,rep3_malicious_ring,securenn,\
         shamir,spdz,spdz2k"
            .to_owned(),
    );
    let mut schemes = Vec::new();
    for part in names.split(',') {
        let (name, args) = match part.split_once(':') {
            Some((name, n)) => (name, vec![("n", n.parse().unwrap())]),
            None => (part, vec![]),
        };
        let full = bind(name, &args);
        let small = small(name, &args, &full);
        let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
        schemes.push(problems(&full, &small));
    }
    let work = Work::new(schemes, &Limits::default()).through(&InProcess);
    let (mut answers, mut total) = (Vec::new(), 0);
    for question in 0..work.questions() {
        let before = computed();
        answers.extend(work.answer(question));
        let milliseconds = (computed() - before) / 1_000_000;
        total += milliseconds;
        if milliseconds > 20 {
            println!("{milliseconds:>7} ms {}", work.describe(question));
        }
    }
    for (name, rows) in names.split(',').zip(work.rows(answers)) {
        println!("{name}\n{}", table(&rows.unwrap()));
    }
    println!("{total} ms");
}

/// Which other widths are looked at for each scheme, and how long it takes to find them.
#[test]
#[ignore = "shows"]
fn widths() {
    for name in [
        "aby",
        "additive",
        "astra",
        "fantastic4",
        "gmw",
        "plain",
        "rep3",
        "rep3_malicious",
        "rep3_malicious_ring",
        "securenn",
        "shamir",
        "spdz",
        "spdz2k",
    ] {
        let full = bind(name, &[]);
        let small = small(name, &[], &full);
        let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
        let before = computed();
        let mut all = problems(&full, &small);
        let bits = (computed() - before) / 1_000_000;
        let others = other_widths(&full, |args| try_bind(name, args).ok());
        let others: Vec<(u8, &dyn Protocols)> = others
            .iter()
            .map(|(k, b)| (*k, b as &dyn Protocols))
            .collect();
        let before = computed();
        elsewhere(&mut all, &full, &others);
        let rings = (computed() - before) / 1_000_000;
        println!("{name}: {} rows, {bits} ms, {rings} ms", all.len());
        for (title, problem, _) in &all {
            if let Some(other) = &problem.elsewhere {
                println!("    {title}: {:?}", other.widths);
            }
        }
    }
}
