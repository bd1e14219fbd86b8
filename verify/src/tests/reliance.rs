//! Operations that need fresh sharings, and operations that give others.

use super::literature::{additive, bind};
use crate::*;
use smpc_ir::flat::Protocols;

/// An opening as it is, to everybody and to an outsider.
const OPENED: &str = "protocol reveal<D: party>(x: A<R>) -> v: R @ D requires fresh x ensures v == x private {\n\
                      for each P[i] { P[i] -> D: x[i]; } v = sum(x[i] for P[i]); }\n";

/// What is found of the operations of a scheme of a user's file.
fn rows(text: &str) -> Vec<Row> {
    let (full, small) = (bind(text, 3, 64), bind(text, 3, 2));
    let small: [&dyn Protocols; 1] = [&small];
    let limits = Limits {
        runs: 1_000,
        ..Limits::default()
    };
    verify_problems(problems(&full, &small), &limits).unwrap()
}

fn verdict<'r>(rows: &'r [Row], title: &str, coalition: &str) -> &'r Verdict {
    let (_, report, problem) = rows.iter().find(|(name, ..)| name == title).unwrap();
    let mut privacy = report.privacy.iter();
    let found = privacy.find(|(set, _)| problem.set_name(*set) == coalition);
    &found.unwrap().1
}

#[test]
fn summands_of_inputs_that_are_not_shared_anew_are_not_opened_to_an_outsider() {
    let outsider = "reveal to an outsider";
    let fresh = rows(&additive(OPENED));
    assert_eq!(verdict(&fresh, outsider, "{outside}").word(), "proved");
    // Nothing says that its operand must be fresh.
    let silent = rows(&additive(&OPENED.replace("requires fresh x ", "")));
    assert_eq!(verdict(&silent, outsider, "{outside}").word(), "unknown");
    // A computing party's input is its own component. Nobody is told anything when it is shared.
    let naive = "protocol share<i>(v: R @ P[i]) -> x: A<R> ensures x == v private {\n\
                 for each P[j] if j != i { x[j] = 0; } x[i] = v; }\n";
    let naive = rows(&additive(&format!("{OPENED}{naive}")));
    assert_eq!(
        verdict(&naive, "share from P[0]", "{P[1]}").word(),
        "proved"
    );
    match verdict(&naive, outsider, "{outside}") {
        Verdict::Wrong(wrong) => {
            assert!(wrong.what.contains("`share from P[0]`"), "{}", wrong.what)
        }
        other => panic!("{other:?}"),
    }
}
