//! The library's schemes.

use crate::*;
use smpc_grammar::Sources;
use smpc_ir::flat::Protocols;
use smpc_protocol::{Bound, Library};

pub(super) fn bind(name: &str, args: &[(&str, i128)]) -> Bound {
    let mut sources = Sources::default();
    let library = Library::standard(&mut sources);
    let args: Vec<(String, i128)> = args.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
    library
        .bind(name, &args, None)
        .unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

/// The report of every standard operation that a backend has, its small rings beside it.
fn reports(name: &str, args: &[(&str, i128)], limits: &Limits) -> Vec<(String, Report, Problem)> {
    let with = |k: i128| {
        let mut all = args.to_vec();
        all.push(("k", k));
        bind(name, &all)
    };
    let full = with(64);
    let small: Vec<Bound> = [3, 4].into_iter().map(with).collect();
    let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
    let mut rows = Vec::new();
    for want in standard_wants(&full) {
        if let Ok(report) = verify_standard(want, &full, &small, limits).unwrap() {
            let problem = Problem::standard(want, &full).unwrap();
            rows.push((format!("{want:?}"), report, problem));
        }
    }
    println!("{}", table(&rows));
    rows
}

/// Every operation is private by proof, and none is wrong.
fn hold(rows: &[(String, Report, Problem)], operations: usize) {
    assert!(rows.len() >= operations, "{} operations", rows.len());
    for (operation, report, problem) in rows {
        for (coalition, verdict) in &report.privacy {
            let set = problem.set_name(*coalition);
            assert_eq!(verdict.word(), "proved", "{operation} {set}: {verdict:?}");
        }
        assert!(
            !report.correct.is_refuted(),
            "{operation}: {:?}",
            report.correct
        );
    }
}

#[test]
fn replicated_sharing_is_proved() {
    let limits = Limits {
        assignments: 1 << 17,
        runs: 3_000,
        ..Limits::default()
    };
    let rows = reports("rep3", &[], &limits);
    hold(&rows, 18);
    for (operation, report, _) in &rows {
        assert_eq!(
            report.freshness().map_or("proved", |f| f.1.word()),
            "proved",
            "{operation}"
        );
    }
}

#[test]
fn additive_sharing_is_proved() {
    let limits = Limits {
        assignments: 1 << 15,
        runs: 2_000,
        ..Limits::default()
    };
    for n in [2, 3] {
        hold(&reports("additive", &[("n", n)], &limits), 16);
    }
}
