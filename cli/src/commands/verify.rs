//! `smpc verify`: whether protocols compute what they should, and what each coalition learns.

use crate::Answer;
use crate::args::{Binding, Verify};
use crate::pipeline;
use crate::problem::{Exit, Failure, Problem};
use serde_json::{Value, json};
use smpc_grammar::Sources;
use smpc_ir::flat::{Owner, Protocols, TruncMode, Want};
use smpc_ir::share::Using;
use smpc_verify::{Limits, Report, Verdict, standard_wants, table, verify_standard};
use std::fmt::Write;

/// Widths of the small rings in which views are enumerated.
const SMALL: [i128; 2] = [3, 4];

/// Exit code of a counter-example.
const REFUTED: u8 = 1;
/// Exit code of an open question under `--strict`.
const OPEN: u8 = 2;

/// Proves or refutes every standard operation of some backends.
///
/// # Errors
/// A backend that does not exist, or cannot be bound.
pub fn verify(sources: &mut Sources, args: &Verify) -> Result<Answer, Failure> {
    let mut text = String::new();
    let mut schemes = vec![];
    let (mut refuted, mut open) = (false, false);
    for name in &args.schemes {
        let full = bind(sources, name, args.parties, None)?;
        let mut small = vec![];
        for k in SMALL {
            small.push(bind(sources, name, args.parties, Some(k))?);
        }
        let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
        let limits = Limits {
            runs: args.runs,
            ..Limits::default()
        };
        let mut rows = vec![];
        for want in standard_wants(&full) {
            let found = verify_standard(want, &full, &small, &limits).map_err(|malformed| {
                let message = format!("{name}, {}: {malformed}", title(want));
                Failure::one(Exit::Run, Problem::plain("I18", message))
            })?;
            let Ok(report) = found else { continue };
            if let Ok(problem) = smpc_verify::Problem::standard(want, &full) {
                rows.push((title(want), report, problem));
            }
        }
        let _ = writeln!(text, "{name}, {} parties", full.computing().parties);
        text.push_str(&table(&rows));
        for (operation, report, problem) in &rows {
            let set = |coalition| problem.set_name(coalition);
            for (coalition, verdict) in &report.privacy {
                if let Verdict::Leaks(leak) = verdict {
                    let _ = writeln!(
                        text,
                        "{operation} LEAKS to {}: inputs {:?} and {:?} differ in its view; {}",
                        set(*coalition),
                        leak.first,
                        leak.second,
                        leak.from_to
                    );
                }
            }
            if let Verdict::Wrong(wrong) = &report.correct {
                let _ = writeln!(
                    text,
                    "{operation} is WRONG: {}; inputs {:?} give {:?}",
                    wrong.what, wrong.inputs, wrong.got
                );
            }
            refuted |= report.is_refuted();
            open |= verdicts(report).any(|v| matches!(v, Verdict::Unknown { .. }));
        }
        text.push('\n');
        schemes.push(json!({
            "scheme": name,
            "parties": full.computing().parties,
            "operations": rows.iter().map(|(operation, report, problem)| {
                document(operation, report, problem)
            }).collect::<Vec<_>>(),
        }));
    }
    text.push_str(
        "A verdict is about the text of a protocol at this number of parties, with ideal coins and \
         channels and parties that follow it. It says nothing of timing or of machine code.\n",
    );
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

fn bind(
    sources: &mut Sources,
    name: &str,
    parties: Option<u8>,
    bits: Option<i128>,
) -> Result<smpc_protocol::Bound, Failure> {
    let using = Using {
        backend: Some(name.to_owned()),
        args: bits.map(|k| ("k".to_owned(), k)).into_iter().collect(),
        ..Using::default()
    };
    let binding = Binding {
        inputs: None,
        scheme: None,
        parties,
        set: vec![],
    };
    pipeline::backend(sources, &using, &binding).map(|(_, bound)| bound)
}

fn verdicts(report: &Report) -> impl Iterator<Item = &Verdict> {
    let private = report.privacy.iter().map(|(_, verdict)| verdict);
    std::iter::once(&report.correct).chain(private)
}

fn document(operation: &str, report: &Report, problem: &smpc_verify::Problem) -> Value {
    let coalitions = |list: &[(smpc_ir::party::PartySet, Verdict)]| -> Vec<Value> {
        list.iter()
            .map(|(coalition, verdict)| {
                json!({ "coalition": problem.set_name(*coalition), "verdict": verdict.word() })
            })
            .collect()
    };
    json!({
        "operation": operation,
        "protocol": report.name,
        "correct": report.correct.word(),
        "private": coalitions(&report.privacy),
        "fresh": coalitions(&report.fresh),
        "rounds": report.rounds,
        "elements": report.elements,
    })
}

/// An operation as people name it.
fn title(want: Want) -> String {
    let owner = |owner: Owner| match owner {
        Owner::Computing => "all".to_owned(),
        Owner::Party(i) => format!("P[{i}]"),
        Owner::Role(_) => "the dealer".to_owned(),
        Owner::Outside => "an outsider".to_owned(),
    };
    let mode = |mode: TruncMode| match mode {
        TruncMode::Exact => "exact",
        TruncMode::OneUnit => "one unit",
        TruncMode::Local => "local",
    };
    match want {
        Want::Share(_, from) => format!("share from {}", owner(from)),
        Want::Reveal(_, to) => format!("reveal to {}", owner(to)),
        Want::Mul(smpc_ir::party::Elem::Bits(_)) => "and".to_owned(),
        Want::Mul(_) => "mul".to_owned(),
        Want::Trunc(_, m) => format!("trunc, {}", mode(m)),
        Want::MulTrunc(_, m) => format!("mul and trunc, {}", mode(m)),
        Want::ToBits(_) => "to_bits".to_owned(),
        Want::Msb(_) => "msb".to_owned(),
        Want::LessThan(_) => "less_than".to_owned(),
        Want::Equal(_) => "equal".to_owned(),
        Want::BitToRing(_) => "bit_to_ring".to_owned(),
        Want::Shuffle(_) => "shuffle".to_owned(),
    }
}
