//! `smpc verify`: whether protocols compute what they should, and what each coalition learns.

mod document;

use crate::Answer;
use crate::args::Verify;
use crate::endpoints::InProcess;
use crate::parallel;
use crate::pipeline;
use crate::problem::{Exit, Failure, Problem};
use crate::progress::Bar;
use crate::record::line;
use crate::written;
use serde_json::json;
use smpc_driver::Binding;
use smpc_grammar::Sources;
use smpc_interp::Progress;
use smpc_ir::flat::Protocols;
use smpc_ir::party::{Elem, PartySet};
use smpc_ir::share::Using;
use smpc_verify::text::{File, Subject};
use smpc_verify::{
    Certificate, Effect, Goal, Leak, Limits, Report, Row, Runner, Told, Verdict, View, Work, check,
    covered, elsewhere, other_widths, problems, small_rings, table,
};
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Exit code of a counter-example.
const REFUTED: u8 = 1;
/// Exit code of an open question under `--strict`.
const OPEN: u8 = 2;

/// Proves or refutes every protocol of some backends, or checks certificates again.
///
/// # Errors
/// A backend that does not exist, or cannot be bound; a file that cannot be read or written.
pub fn verify(sources: &mut Sources, args: &Verify) -> Result<Answer, Failure> {
    let found = match &args.check {
        Some(file) => recheck(sources, file),
        None => judge(sources, args),
    };
    // A text that cannot be verified is no counter-example.
    found.map_err(|failure| Failure {
        exit: match failure.exit {
            Exit::Script | Exit::Run => Exit::Usage,
            exit => exit,
        },
        ..failure
    })
}

/// The verdicts on some backends.
fn judge(sources: &mut Sources, args: &Verify) -> Result<Answer, Failure> {
    let mut text = String::new();
    let (mut schemes, mut files) = (vec![], vec![]);
    let (mut refuted, mut open) = (false, false);
    let names = match args.all {
        true => super::schemes::names(),
        false => args.schemes.clone(),
    };
    let (mut jobs, mut bound) = (vec![], vec![]);
    for name in &names {
        let backend = backend(sources, name, args.parties, &[])?;
        let full = &backend.protocols;
        within_reason(name, full)?;
        // A backend without such an argument is enumerated only where its rings can be narrowed.
        let small = small_rings(full, |small| bind(sources, name, args.parties, small).ok());
        jobs.push(Job {
            name: name.clone(),
            parties: full.computing().parties,
            active: full.corruption().iter().any(|clause| clause.active),
        });
        bound.push((backend, small));
    }
    let subjects = parallel::side_by_side(&bound, |(backend, small)| {
        let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
        all_widths(backend, &small)
    });
    let limits = Limits {
        runs: args.runs,
        ..Limits::default()
    };
    for (job, rows) in jobs.iter().zip(side_by_side(subjects, &limits)) {
        let (name, parties) = (&job.name, job.parties);
        let rows = rows.map_err(|malformed| {
            let message = format!("{name}, {malformed}");
            Failure::one(Exit::Run, Problem::plain("I18", message))
        })?;
        let _ = writeln!(text, "{name}, {parties} parties");
        text.push_str(&table(&rows));
        tried(&rows, &mut text);
        other_texts(&rows, &mut text);
        for row in &rows {
            explain(sources, row, &mut text);
            deviations(sources, row, &mut text);
            let report = &row.1;
            refuted |= report.is_refuted();
            open |= verdicts(report).any(|v| matches!(v, Verdict::Unknown { .. }));
            open |= report.deviating().is_some_and(|worst| worst.is_open());
        }
        text.push('\n');
        if job.active {
            text.push_str(
                "`correct`, `private` and `fresh` are about parties that follow the protocol; `active` is \
                 about parties that send what they like.\n\n",
            );
        }
        schemes.push(json!({
            "scheme": name,
            "parties": parties,
            "operations": rows.iter().map(|(operation, report, problem)| {
                document::document(sources, operation, report, problem)
            }).collect::<Vec<_>>(),
        }));
        files.push(File {
            scheme: name.clone(),
            parties,
            subjects: rows.iter().map(subject).collect(),
        });
    }
    if bound.iter().any(|(backend, _)| !backend.own) {
        text.push_str(
            "Of the library's schemes a verdict is about the ring they are given, 64 bits unless `k` says otherwise; of a file of your own \
             about every ring in which its text is another one, too.\n",
        );
    }
    text.push_str(
        "A verdict is about the text of a protocol at this number of parties, with ideal coins and \
         channels. It says nothing of timing or of machine code.\n",
    );
    if let Some(path) = &args.certificate {
        let [file] = files.as_slice() else {
            let message = "`--certificate` takes one scheme at a time";
            return Err(Failure::one(Exit::Usage, Problem::plain("I17", message)));
        };
        written::apart("the certificates", path, &written::reads(sources))?;
        written::write(path, &file.write())?;
        let _ = writeln!(text, "certificates written to {}", path.display());
    }
    let exit = match (refuted, open && args.strict) {
        (true, _) => REFUTED,
        (false, true) => OPEN,
        (false, false) => 0,
    };
    Ok(Answer {
        exit,
        text,
        json: json!({ "schemes": schemes }),
    })
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    let problem = Problem::file("I15", error.to_string(), path.display().to_string());
    Failure::one(Exit::Usage, problem)
}

/// What there is to verify of a backend, for bits of every length, and of a file of the user's in the rings in which its text is
/// another one. The library's are looked at in one ring each: their circuits are others in all of them, which takes longer than
/// the rest together.
fn all_widths(backend: &pipeline::Backend, small: &[&dyn Protocols]) -> Vec<smpc_verify::Subject> {
    let full = &backend.protocols;
    let mut all = problems(full, small);
    if !backend.own {
        return all;
    }
    let others = other_widths(full, |args| backend.with(args));
    let others: Vec<(u8, &dyn Protocols)> = others
        .iter()
        .map(|(k, other)| (*k, other as &dyn Protocols))
        .collect();
    elsewhere(&mut all, full, &others);
    all
}

/// Coalitions of a scheme beyond which nothing is begun: each protocol is looked at for each of them.
const COALITIONS: u128 = 1 << 13;

/// Whether a backend has so few coalitions that all of them can be looked at.
fn within_reason(name: &str, full: &smpc_protocol::Bound) -> Result<(), Failure> {
    let n = full.computing().parties as u128;
    let sets = full.corruption().into_iter().map(|clause| {
        let (mut all, mut of_size) = (1u128, 1u128);
        for size in 1..=(clause.parties as u128).min(n) {
            of_size = of_size.saturating_mul(n + 1 - size) / size;
            all = all.saturating_add(of_size);
        }
        let roles = clause.roles.len();
        all.saturating_mul(1u128.checked_shl(roles).unwrap_or(u128::MAX))
    });
    let count: u128 = sets.fold(0, u128::saturating_add);
    if count <= COALITIONS {
        return Ok(());
    }
    let message =
        format!("{name} allows {count} coalitions among {n} parties, more than {COALITIONS}");
    let problem = Problem::plain("I17", message).help("verify it for fewer: `--parties 5`");
    Err(Failure::one(Exit::Usage, problem))
}

/// A backend that is verified.
struct Job {
    name: String,
    parties: usize,
    active: bool,
}

/// Answers all questions about some backends, several at a time; the rows of each backend in the order given.
fn side_by_side(
    subjects: Vec<Vec<smpc_verify::Subject>>,
    limits: &Limits,
) -> Vec<Result<Vec<Row>, smpc_verify::Malformed>> {
    let work = Work::new(subjects, limits).through(&InProcess);
    let numbers: Vec<usize> = (0..work.questions()).collect();
    let bar = Bar::new();
    let (done, total) = (AtomicU64::new(0), numbers.len() as u64);
    let answers = parallel::side_by_side(&numbers, |number| {
        let answer = work.answer(*number);
        bar.at(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        answer
    });
    bar.finish();
    work.rows(answers.into_iter().flatten().collect())
}

/// How many random runs there were below a table, and by what.
fn tried(rows: &[Row], text: &mut String) {
    for (by, what) in [
        (Runner::Endpoints, "the parties' endpoints"),
        (Runner::Prover, "the prover's own machine"),
    ] {
        let runs = rows
            .iter()
            .filter_map(|(_, report, _)| match &report.correct {
                Verdict::Exhausted(done) | Verdict::Measured(done) if done.by == by => {
                    Some(done.runs)
                }
                _ => None,
            });
        let runs: Vec<u64> = runs.collect();
        let (Some(least), Some(most)) = (runs.iter().min(), runs.iter().max()) else {
            continue;
        };
        let each = match least == most {
            true => format!("{least}"),
            false => format!("{least} to {most}"),
        };
        let results = match runs.len() {
            1 => "one result".to_owned(),
            count => format!("each of {count} results"),
        };
        let _ = writeln!(
            text,
            "{each} random runs at full width of {results}, by {what}"
        );
    }
}

/// Rows about other widths that the table leaves out because they say no less.
fn other_texts(rows: &[Row], text: &mut String) {
    let left_out = rows.iter().filter(|row| covered(rows, row));
    let titles: Vec<&str> = left_out.map(|(title, ..)| title.as_str()).collect();
    if !titles.is_empty() {
        let _ = writeln!(
            text,
            "the same is found at widths where the text decides otherwise: {}",
            titles.join("; ")
        );
    }
}

/// What parties that deviate can do, where it is more than to be caught.
fn deviations(sources: &Sources, (operation, report, problem): &Row, text: &mut String) {
    for active in &report.active {
        let set = problem.set_name(active.coalition);
        if let Some(leak) = &active.leak {
            let _ = writeln!(
                text,
                "{operation}, {set} deviating, privacy is open: {leak}"
            );
        }
        match &active.effect {
            Effect::Changes { what } => {
                let word = if report.allowed {
                    "may change"
                } else {
                    "is CHANGED by"
                };
                let _ = writeln!(text, "{operation} {word} {set}: the error is {what}");
                for lie in active
                    .lies
                    .iter()
                    .filter(|lie| matches!(lie.effect, Effect::Changes { .. }))
                {
                    let at = line(sources, lie.source)
                        .map_or(String::new(), |at| format!(" at {}:{}", at.file, at.number));
                    let (from, to) = (problem.party_name(lie.from), problem.party_name(lie.to));
                    let _ = writeln!(text, "    by a lie in the message {from} -> {to}{at}");
                }
            }
            Effect::Unknown { reason } => {
                let _ = writeln!(text, "{operation}, {set} deviating: {reason}");
            }
            Effect::Caught { chance } if active.effect.is_open() => {
                let chance = chance.min(1.0);
                let _ = writeln!(
                    text,
                    "{operation}, {set} deviating: gets through with chance {chance:.2e}, too much to be called caught"
                );
            }
            Effect::Harmless | Effect::Caught { .. } => {}
        }
    }
}

/// Counter-examples, and what is open, below the table.
fn explain(sources: &Sources, (operation, report, problem): &Row, text: &mut String) {
    let set = |coalition| problem.set_name(coalition);
    if let Some(reason) = &problem.skipped {
        // All questions are open for the same reason.
        let at = problem.unmade.and_then(|source| line(sources, source));
        let at = at.map_or(String::new(), |at| format!(" at {}:{}", at.file, at.number));
        let _ = writeln!(text, "{operation} is not looked at: {reason}{at}");
        return;
    }
    for (coalition, verdict) in &report.privacy {
        match verdict {
            Verdict::Leaks(leak) => {
                let what = match (leak.told, leak.first.is_empty()) {
                    (Told::Inputs, _) => format!(
                        "inputs {:?} and {:?} differ in its view",
                        leak.first, leak.second
                    ),
                    (Told::Order, true) => {
                        "it knows the order of the rows, or can compute it".to_owned()
                    }
                    (Told::Order, false) => format!(
                        "its view tells something of the order of the rows, of {:?}",
                        leak.first
                    ),
                    (Told::Key, _) => format!(
                        "its view tells something of a key that others hold, with inputs {:?}",
                        leak.first
                    ),
                };
                let at = at_fault(sources, leak);
                let _ = writeln!(text, "{operation} LEAKS to {}: {what}{at}", set(*coalition));
                text.push_str(&seen(leak));
            }
            Verdict::Wrong(wrong) => {
                let _ = writeln!(text, "{operation}: {}", wrong.what);
            }
            Verdict::Unknown { reason } => {
                let _ = writeln!(
                    text,
                    "{operation}, private for {}: {reason}",
                    set(*coalition)
                );
            }
            _ => {}
        }
    }
    match &report.correct {
        Verdict::Wrong(wrong) => {
            let _ = writeln!(
                text,
                "{operation} is WRONG: {}; in {} inputs {:?} give {:?}",
                wrong.what,
                ring(wrong.elem),
                wrong.inputs,
                wrong.got
            );
        }
        Verdict::Unknown { reason } => {
            let _ = writeln!(text, "{operation}, correct: {reason}");
        }
        _ => {}
    }
}

fn subject((title, report, _): &Row) -> Subject {
    let all = report.privacy.iter().chain(&report.fresh);
    let certificates = all.filter_map(|(_, verdict)| match verdict {
        Verdict::Proved {
            certificate: Some(certificate),
        }
        | Verdict::Statistical { certificate, .. } => Some(certificate.clone()),
        _ => None,
    });
    Subject {
        title: title.clone(),
        certificates: certificates.collect(),
    }
}

/// Reads certificates and checks each against the protocol as its file has it now.
fn recheck(sources: &mut Sources, path: &Path) -> Result<Answer, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| unusable(path, &error))?;
    let file = File::read(&text).map_err(|error| {
        let message = format!("expected {}", error.expected);
        let problem = Problem::file("I19", message, path.display().to_string());
        Failure::one(Exit::Usage, problem.at_row(error.line.to_string()))
    })?;
    let parties = u8::try_from(file.parties)
        .ok()
        .filter(|n| (1..=20).contains(n));
    let backend = match backend(sources, &file.scheme, parties, &[]) {
        // A backend of a fixed number of parties does not take one.
        Err(_) => backend(sources, &file.scheme, None, &[])?,
        Ok(backend) => backend,
    };
    let n = backend.protocols.computing().parties;
    if n != file.parties {
        let message = format!(
            "the certificates are about {} parties, and `{}` is for {n}",
            file.parties, file.scheme
        );
        let problem = Problem::file("I19", message, path.display().to_string());
        return Err(Failure::one(Exit::Usage, problem));
    }
    let (mut private, mut fresh, mut values) = (0, 0, 0);
    let (mut refused, mut open) = (vec![], vec![]);
    for (title, problem, _) in all_widths(&backend, &[]) {
        let found = file.subjects.iter().find(|subject| subject.title == title);
        let certificates: &[Certificate] = found.map_or(&[], |subject| &subject.certificates);
        let mut shown: Vec<PartySet> = vec![];
        for certificate in certificates {
            match check(&problem, certificate) {
                Ok(()) => match certificate.goal {
                    // Of a shuffle's order, too.
                    Goal::Privacy | Goal::Results | Goal::Order { .. } => {
                        private += 1;
                        shown.push(certificate.coalition);
                    }
                    Goal::Freshness { .. } => fresh += 1,
                    Goal::Values => values += 1,
                },
                Err(refusal) => {
                    let set = problem.set_name(certificate.coalition);
                    refused.push(format!("{title}, {set}: {refusal}"));
                }
            }
        }
        for coalition in problem.coalitions() {
            if !shown.contains(&coalition) {
                open.push(format!("{title}, {}", problem.set_name(coalition)));
            }
        }
    }
    let accepted = private + fresh + values;
    let mut text = format!(
        "{}: {accepted} certificates accepted, {private} of privacy, {fresh} of freshness",
        file.scheme
    );
    if values > 0 {
        let _ = write!(text, ", {values} of values");
    }
    text.push('\n');
    if fresh == 0 {
        text.push_str(
            "none is of freshness: what a table says of fresh results is not checked again\n",
        );
    }
    for refusal in &refused {
        let _ = writeln!(text, "refused: {refusal}");
    }
    for missing in &open {
        let _ = writeln!(text, "no certificate of privacy: {missing}");
    }
    let exit = match (refused.is_empty(), open.is_empty()) {
        (false, _) => REFUTED,
        (true, false) => OPEN,
        (true, true) => 0,
    };
    Ok(Answer {
        exit,
        text,
        json: json!({
            "accepted": accepted,
            "privacy": private,
            "freshness": fresh,
            "refused": refused,
            "open": open,
        }),
    })
}

fn bind(
    sources: &mut Sources,
    name: &str,
    parties: Option<u8>,
    args: &[(&str, i128)],
) -> Result<smpc_protocol::Bound, Failure> {
    backend(sources, name, parties, args).map(|bound| bound.protocols)
}

fn backend(
    sources: &mut Sources,
    name: &str,
    parties: Option<u8>,
    args: &[(&str, i128)],
) -> Result<pipeline::Backend, Failure> {
    let using = Using {
        backend: Some(name.to_owned()),
        args: args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect(),
        ..Using::default()
    };
    let binding = Binding {
        parties,
        ..Binding::default()
    };
    pipeline::backend(sources, &using, &binding)
}

fn verdicts(report: &Report) -> impl Iterator<Item = &Verdict> {
    let private = report.privacy.iter().map(|(_, verdict)| verdict);
    std::iter::once(&report.correct).chain(private)
}

/// The message that first tells two inputs apart, if one does: from whom to whom, and its line.
fn at_fault(sources: &Sources, leak: &Leak) -> String {
    match (leak.message, line(sources, leak.source)) {
        (None, _) => String::new(),
        (Some(_), None) => format!("; {}", leak.from_to),
        (Some(_), Some(at)) => format!("; {} at {}:{}", leak.from_to, at.file, at.number),
    }
}

/// A ring, a field or bits.
fn ring(elem: Elem) -> String {
    match elem {
        Elem::Ring(bits) => format!("Z[2^{bits}]"),
        Elem::Bits(bits) => format!("Bits[{bits}]"),
        Elem::Field(prime) => format!("F[{}]", prime.modulus()),
        Elem::Fix => "fix".to_owned(),
    }
}

/// The view that differs, and how often it is seen on either input.
fn seen(leak: &Leak) -> String {
    let View { seen, often, runs } = &leak.view;
    let values = seen.iter().map(|one| match one.values.as_slice() {
        [] => one.what.clone(),
        [value] => format!("{} = {value}", one.what),
        rows => format!("{} = {rows:?}", one.what),
    });
    let values: Vec<String> = values.collect();
    let often = match (often, runs) {
        _ if values.is_empty() => return String::new(),
        ([1, 0], 1) => "is seen on the first, and on the second never".to_owned(),
        ([a, b], runs) => {
            format!("is seen in {a} of {runs} runs on the first, in {b} on the second")
        }
    };
    let ring = ring(leak.elem);
    format!("    in {ring}: {} {often}\n", values.join(", "))
}
